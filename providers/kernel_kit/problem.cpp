#include "kernel_kit/problem.h"

#include <algorithm>
#include <limits>

namespace kernel_kit {
namespace {

constexpr int64_t kMostHeadDim = 256;
constexpr int64_t kDimStep = 8;  // elements in 16 bytes, the widest load
constexpr int64_t kElementBytes = 2;
constexpr int64_t kMostAlignment = 16;
// Indices of rows and heads are 32 bits wide; a tile more must still fit.
constexpr int64_t kMostRows = std::numeric_limits<int32_t>::max() - 1024;

bool is_rows(int32_t role) {
  return role != ATTN_ROLE_LSE && role != ATTN_ROLE_BIAS;
}

// Of the address and of each step to another row, in bytes.
int64_t alignment_of(const attn::TensorSpec& spec) {
  int64_t alignment = std::min<int64_t>(spec.alignment, kMostAlignment);
  for (int axis = 0; axis < 3; ++axis) {
    const int64_t stride = spec.strides[static_cast<size_t>(axis)] * kElementBytes;
    if (stride != 0) alignment = std::min(alignment, stride & -stride);
  }
  return alignment;
}

AttentionTensor tensor_of(const attn::PlanRequest& request, int32_t role) {
  const attn::TensorSpec* const spec = request.find(role);
  if (!spec) return {};
  const auto& strides = spec->strides;
  // Q and its like are batch x seqlen x heads x head_dim, the bias batch x heads x rows x keys.
  if (role == ATTN_ROLE_BIAS) return {nullptr, strides[0], strides[1], strides[2]};
  return {nullptr, strides[0], strides[2], strides[1]};
}

// "A=1,B=0" as {"A=1", "B=0"}.
std::vector<std::string> parse_switches(const std::string& given) {
  std::vector<std::string> switches;
  for (size_t from = 0; from < given.size();) {
    const size_t comma = std::min(given.find(',', from), given.size());
    const std::string item = given.substr(from, comma - from);
    const size_t equals = item.find('=');
    const bool is_number = equals != std::string::npos && equals + 1 < item.size() &&
                           item.find_first_not_of("0123456789", equals + 1) == std::string::npos;
    if (equals == 0 || !is_number) {
      throw attn::Failure(ATTN_INVALID_OPTION,
                          attn::text("option switches takes NAME=number, separated by commas, "
                                     "not \"",
                                     item, "\""));
    }
    switches.push_back(item);
    from = comma + 1;
  }
  return switches;
}

}  // namespace

attn::Answer check_request(const attn::PlanRequest& request) {
  const attn_problem& p = request.problem;
  if (p.head_dim_qk != p.head_dim_v) {
    return attn::refuse(ATTN_UNSUPPORTED_SHAPE, attn::text("head_dim of V is ", p.head_dim_v,
                                                           ", of Q and K ", p.head_dim_qk));
  }
  if (p.head_dim_qk > kMostHeadDim || p.head_dim_qk % kDimStep != 0) {
    return attn::refuse(ATTN_UNSUPPORTED_SHAPE,
                        attn::text("head_dim is ", p.head_dim_qk, ", not a multiple of ", kDimStep,
                                   " up to ", kMostHeadDim));
  }
  if (std::max({p.seqlen_q, p.seqlen_kv, p.heads_q, p.batch}) > kMostRows) {
    return attn::refuse(ATTN_UNSUPPORTED_SHAPE,
                        attn::text("a length beyond ", kMostRows, " rows, heads or batches"));
  }
  for (const attn::TensorSpec& spec : request.specs) {
    const int last = spec.ndim - 1;
    if (spec.strides[static_cast<size_t>(last)] != 1) {
      return attn::refuse(
          ATTN_UNSUPPORTED_LAYOUT,
          attn::text("the last axis of ", attn::detail::role_name(spec.role), " has stride ",
                     spec.strides[static_cast<size_t>(last)], ", needs 1"));
    }
    if (is_rows(spec.role) && alignment_of(spec) < kMostAlignment) {
      return attn::refuse(
          ATTN_UNSUPPORTED_LAYOUT,
          attn::text("rows of ", attn::detail::role_name(spec.role), " begin at multiples of ",
                     alignment_of(spec), " B, need ", kMostAlignment));
    }
  }
  return attn::yes();
}

Problem problem_of(const attn::PlanRequest& request) {
  const attn_problem& p = request.problem;
  Problem problem{};
  AttentionArguments& a = problem.arguments;
  a.q = tensor_of(request, ATTN_ROLE_Q);
  a.k = tensor_of(request, ATTN_ROLE_K);
  a.v = tensor_of(request, ATTN_ROLE_V);
  a.o = tensor_of(request, ATTN_ROLE_O);
  a.bias = tensor_of(request, ATTN_ROLE_BIAS);
  a.grad_o = tensor_of(request, ATTN_ROLE_DO);
  a.grad_q = tensor_of(request, ATTN_ROLE_DQ);
  a.grad_k = tensor_of(request, ATTN_ROLE_DK);
  a.grad_v = tensor_of(request, ATTN_ROLE_DV);
  if (const attn::TensorSpec* const lse = request.find(ATTN_ROLE_LSE)) {
    a.lse_batch_stride = lse->strides[0];
    a.lse_head_stride = lse->strides[1];
  }
  a.batch = static_cast<int>(p.batch);
  a.heads = static_cast<int>(p.heads_q);
  a.kv_heads = static_cast<int>(p.heads_kv);
  a.seqlen_q = static_cast<int>(p.seqlen_q);
  a.seqlen_kv = static_cast<int>(p.seqlen_kv);
  a.head_dim = static_cast<int>(p.head_dim_qk);
  a.diagonal = p.mask == ATTN_MASK_CAUSAL_BOTTOM_RIGHT ? a.seqlen_kv - a.seqlen_q : 0;
  a.scale = static_cast<float>(request.softmax_scale());
  for (const attn::TensorSpec& spec : request.specs) {
    const int alignment = static_cast<int>(alignment_of(spec));
    if (spec.role == ATTN_ROLE_BIAS) problem.bias_row_alignment_bytes = alignment;
    if (is_rows(spec.role)) {
      problem.row_alignment_bytes = std::min(problem.row_alignment_bytes, alignment);
    }
  }
  return problem;
}

Cell cell_of(const attn::PlanRequest& request, const Target& target) {
  const int64_t head_dim = request.problem.head_dim_qk;
  const auto option = [&](const char* name) {
    return static_cast<int>(request.options.get_int(name));
  };
  Cell cell;
  cell.target = target;
  cell.tile = {option("block_q"), option("block_k"), option("num_warps"), option("num_stages")};
  cell.head_dim = head_dim <= 64 ? 64 : head_dim <= 128 ? 128 : 256;
  cell.is_backward = request.is_backward();
  cell.is_bf16 = attn::same_dtype(request.spec(ATTN_ROLE_Q).dtype, attn::kBf16);
  cell.has_bias = request.has(ATTN_ROLE_BIAS);
  cell.switches = parse_switches(request.options.get_string("switches"));
  cell.is_causal = request.asks_for(ATTN_FEATURE_CAUSAL);
  cell.is_deterministic = cell.is_backward && (request.options.get_bool("deterministic") ||
                                               request.asks_for(ATTN_FEATURE_DETERMINISTIC));
  return cell;
}

}  // namespace kernel_kit
