// PlanRequest: one question of attnbench, copied and checked. What reaches a provider's supports()
// is well formed, within its descriptor, and consistent: shapes agree with the problem, each role
// that the operation calls for is there once, and the feature bits say no more and no less.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include "attnbench/detail/failure.hpp"
#include "attnbench/detail/options.hpp"

namespace attn {

struct TensorSpec {
  int32_t role = 0;
  attn_dtype dtype{};
  int32_t ndim = 0;
  std::array<int64_t, 4> shape{}, strides{};  // LSE has three axes: the fourth stays 0
  uint32_t alignment = 256;                   // of element 0, bytes
  uint32_t access = ATTN_ACCESS_READ;
};

struct PlanRequest {
  attn_problem problem{};
  std::vector<TensorSpec> specs;
  Options options;

  bool is_backward() const { return problem.op == ATTN_OP_BWD; }
  bool asks_for(uint64_t feature) const { return (problem.features & feature) != 0; }
  double softmax_scale() const {
    return problem.scale != 0 ? problem.scale
                              : 1.0 / std::sqrt(static_cast<double>(problem.head_dim_qk));
  }
  const TensorSpec* find(int32_t role) const {
    for (const TensorSpec& spec : specs) {
      if (spec.role == role) return &spec;
    }
    return nullptr;
  }
  bool has(int32_t role) const { return find(role) != nullptr; }
  const TensorSpec& spec(int32_t role) const {
    const TensorSpec* found = find(role);
    detail::require(found != nullptr, ATTN_INTERNAL, "the provider reads a spec that is not there");
    return *found;
  }
};

constexpr bool same_dtype(attn_dtype a, attn_dtype b) {
  return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes;
}
inline constexpr attn_dtype kFp16{ATTN_DTYPE_FLOAT, 16, 1};
inline constexpr attn_dtype kBf16{ATTN_DTYPE_BFLOAT, 16, 1};
inline constexpr attn_dtype kFp32{ATTN_DTYPE_FLOAT, 32, 1};

namespace detail {

inline const char* role_name(int32_t role) {
  switch (role) {
    case ATTN_ROLE_Q:
      return "Q";
    case ATTN_ROLE_K:
      return "K";
    case ATTN_ROLE_V:
      return "V";
    case ATTN_ROLE_O:
      return "O";
    case ATTN_ROLE_LSE:
      return "LSE";
    case ATTN_ROLE_BIAS:
      return "BIAS";
    case ATTN_ROLE_DO:
      return "DO";
    case ATTN_ROLE_DQ:
      return "DQ";
    case ATTN_ROLE_DK:
      return "DK";
    case ATTN_ROLE_DV:
      return "DV";
    case ATTN_ROLE_DBIAS:
      return "DBIAS";
    default:
      return nullptr;
  }
}

inline bool is_output(uint32_t op, int32_t role) {
  if (op == ATTN_OP_FWD) return role == ATTN_ROLE_O || role == ATTN_ROLE_LSE;
  return role >= ATTN_ROLE_DQ && role <= ATTN_ROLE_DBIAS;
}

// The roles that `problem` calls for, and no other.
inline std::vector<int32_t> roles_of(const attn_problem& problem) {
  auto asks_for = [&problem](uint64_t feature) { return (problem.features & feature) != 0; };
  std::vector<int32_t> roles{ATTN_ROLE_Q, ATTN_ROLE_K, ATTN_ROLE_V, ATTN_ROLE_O};
  if (asks_for(ATTN_FEATURE_BIAS)) roles.push_back(ATTN_ROLE_BIAS);
  if (asks_for(ATTN_FEATURE_LSE | ATTN_FEATURE_BWD)) roles.push_back(ATTN_ROLE_LSE);
  if (asks_for(ATTN_FEATURE_BWD)) {
    roles.insert(roles.end(), {ATTN_ROLE_DO, ATTN_ROLE_DQ, ATTN_ROLE_DK, ATTN_ROLE_DV});
  }
  if (asks_for(ATTN_FEATURE_DBIAS)) roles.push_back(ATTN_ROLE_DBIAS);
  return roles;
}

inline std::vector<int64_t> shape_of(const attn_problem& p, int32_t role) {
  switch (role) {
    case ATTN_ROLE_Q:
    case ATTN_ROLE_DQ:
      return {p.batch, p.seqlen_q, p.heads_q, p.head_dim_qk};
    case ATTN_ROLE_K:
    case ATTN_ROLE_DK:
      return {p.batch, p.seqlen_kv, p.heads_kv, p.head_dim_qk};
    case ATTN_ROLE_V:
    case ATTN_ROLE_DV:
      return {p.batch, p.seqlen_kv, p.heads_kv, p.head_dim_v};
    case ATTN_ROLE_O:
    case ATTN_ROLE_DO:
      return {p.batch, p.seqlen_q, p.heads_q, p.head_dim_v};
    case ATTN_ROLE_LSE:
      return {p.batch, p.heads_q, p.seqlen_q};
    default:
      return {p.batch, p.heads_q, p.seqlen_q, p.seqlen_kv};
  }
}

inline bool is_causal(int32_t mask) {
  return mask == ATTN_MASK_CAUSAL_TOP_LEFT || mask == ATTN_MASK_CAUSAL_BOTTOM_RIGHT;
}
inline bool is_window(int32_t mask) {
  return mask == ATTN_MASK_WINDOW_TOP_LEFT || mask == ATTN_MASK_WINDOW_BOTTOM_RIGHT;
}

// Meanings first, sizes second: an unknown meaning must not look like a broken one.
inline void check_problem(const attn_problem& p, uint64_t provider_features) {
  constexpr uint64_t kFreeBits =
      ATTN_FEATURE_DETERMINISTIC | ATTN_FEATURE_BIAS | ATTN_FEATURE_DBIAS | ATTN_FEATURE_LSE;
  if (uint64_t lacking = p.features & ~provider_features) {
    throw Failure(ATTN_UNSUPPORTED_FEATURE, text("the problem asks for feature bits ", lacking,
                                                 ", which this provider lacks"));
  }
  require(p.reserved == 0, ATTN_UNSUPPORTED_FEATURE, "attn_problem.reserved is not 0");
  require(p.op != 0, ATTN_INVALID_ARGUMENT, "attn_problem.op is 0");
  require(p.op == ATTN_OP_FWD || p.op == ATTN_OP_BWD, ATTN_UNSUPPORTED_FEATURE,
          text("op ", p.op, " is neither FWD nor BWD"));
  require(p.mask >= ATTN_MASK_NONE && p.mask <= ATTN_MASK_WINDOW_BOTTOM_RIGHT,
          ATTN_UNSUPPORTED_FEATURE, text("mask ", p.mask, " is unknown"));

  for (int64_t extent :
       {p.batch, p.heads_q, p.heads_kv, p.seqlen_q, p.seqlen_kv, p.head_dim_qk, p.head_dim_v}) {
    require(extent >= 1, ATTN_INVALID_ARGUMENT, "attn_problem has an extent below 1");
  }
  require(p.heads_q % p.heads_kv == 0, ATTN_INVALID_ARGUMENT,
          text("heads_kv ", p.heads_kv, " does not divide heads_q ", p.heads_q));
  require(std::isfinite(p.scale), ATTN_INVALID_ARGUMENT, "scale is not finite");
  require(std::isfinite(p.softcap) && p.softcap >= 0, ATTN_INVALID_ARGUMENT,
          "softcap is negative or not finite");
  require(p.window_left >= -1 && p.window_right >= -1, ATTN_INVALID_ARGUMENT,
          "a window is below -1");

  uint64_t implied = (is_causal(p.mask) ? ATTN_FEATURE_CAUSAL : 0) |
                     (is_window(p.mask) ? ATTN_FEATURE_WINDOW : 0) |
                     (p.heads_kv < p.heads_q ? ATTN_FEATURE_GQA : 0) |
                     (p.op == ATTN_OP_BWD ? ATTN_FEATURE_BWD : 0) |
                     (p.softcap > 0 ? ATTN_FEATURE_SOFTCAP : 0);
  require((p.features & ~kFreeBits) == implied, ATTN_INVALID_ARGUMENT,
          text("features ", p.features, " and the fields of attn_problem disagree"));
  require(p.op == ATTN_OP_FWD || !(p.features & ATTN_FEATURE_LSE), ATTN_INVALID_ARGUMENT,
          "LSE is a feature of FWD; BWD always reads it");
  uint64_t bias_bits = p.features & (ATTN_FEATURE_BIAS | ATTN_FEATURE_DBIAS);
  require(
      !(bias_bits & ATTN_FEATURE_DBIAS) || (p.op == ATTN_OP_BWD && (bias_bits & ATTN_FEATURE_BIAS)),
      ATTN_INVALID_ARGUMENT, "DBIAS needs BWD and BIAS");
}

// One spec by itself and against the problem; its dtype is checked with its neighbours later.
inline TensorSpec take_spec(const attn_tensor_spec* given, const attn_problem& problem) {
  constexpr uint32_t kBytes = ATTN_SIZE_TO(attn_tensor_spec, access);
  check_request(given, kBytes, kBytes, "attn_tensor_spec");
  const char* name = role_name(given->role);
  require(name != nullptr, ATTN_UNSUPPORTED_FEATURE, text("role ", given->role, " is unknown"));
  std::vector<int64_t> shape = shape_of(problem, given->role);
  require(given->ndim == static_cast<int32_t>(shape.size()), ATTN_INVALID_ARGUMENT,
          text(name, " has ", given->ndim, " axes instead of ", shape.size()));
  require_pointer(given->shape, "attn_tensor_spec.shape");
  require_pointer(given->strides, "attn_tensor_spec.strides");

  TensorSpec spec{.role = given->role, .dtype = given->dtype, .ndim = given->ndim};
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    spec.shape[axis] = given->shape[axis];
    spec.strides[axis] = given->strides[axis];
    bool may_broadcast = given->role == ATTN_ROLE_BIAS;
    bool is_summed = given->role == ATTN_ROLE_DBIAS && given->shape[axis] == 1;
    require(spec.shape[axis] == shape[axis] || is_summed, ATTN_INVALID_ARGUMENT,
            text("axis ", axis, " of ", name, " has extent ", spec.shape[axis], " instead of ",
                 shape[axis]));
    require(spec.strides[axis] > 0 || (spec.strides[axis] == 0 && may_broadcast),
            ATTN_INVALID_ARGUMENT,
            text("axis ", axis, " of ", name, " has stride ", spec.strides[axis]));
  }
  // In doubles, which cannot wrap: beyond this no offset in bytes fits into 63 bits.
  double elements = 1.0, reach = 1.0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    elements *= static_cast<double>(spec.shape[axis]);
    reach += static_cast<double>(spec.shape[axis] - 1) * static_cast<double>(spec.strides[axis]);
  }
  require(elements < 0x1p59 && reach < 0x1p59, ATTN_UNSUPPORTED_SHAPE,
          text(name, " has more elements than can be addressed"));
  spec.alignment = given->alignment == 0 ? 256 : given->alignment;
  require(std::has_single_bit(spec.alignment) && spec.alignment <= 256 &&
              spec.alignment * 8 >= spec.dtype.bits,
          ATTN_INVALID_ARGUMENT,
          text("alignment ", spec.alignment, " of ", name,
               " is no power of two from its element's bytes up to 256"));
  require((given->access & ~uint32_t{ATTN_ACCESS_READ | ATTN_ACCESS_WRITE}) == 0,
          ATTN_UNSUPPORTED_FEATURE, text("access ", given->access, " of ", name, " is unknown"));
  spec.access = is_output(problem.op, spec.role) ? ATTN_ACCESS_WRITE : ATTN_ACCESS_READ;
  require(given->access == spec.access, ATTN_INVALID_ARGUMENT,
          text(name, is_output(problem.op, spec.role) ? " is an output" : " is an input"));
  return spec;
}

// Each role that the problem calls for, once; a summed axis of DBIAS is a broadcast axis of BIAS.
inline void check_roles(const PlanRequest& request) {
  std::vector<int32_t> roles = roles_of(request.problem);
  for (int32_t role : roles) {
    require(request.has(role), ATTN_INVALID_ARGUMENT, text(role_name(role), " has no spec"));
  }
  for (const TensorSpec& spec : request.specs) {
    require(std::find(roles.begin(), roles.end(), spec.role) != roles.end() &&
                request.find(spec.role) == &spec,
            ATTN_INVALID_ARGUMENT,
            text(role_name(spec.role), " is given twice or is not called for"));
  }
  if (!request.has(ATTN_ROLE_DBIAS)) return;
  for (std::size_t axis = 0; axis < 4; ++axis) {
    const TensorSpec& bias = request.spec(ATTN_ROLE_BIAS);
    int64_t extent = bias.strides[axis] == 0 ? 1 : bias.shape[axis];
    require(request.spec(ATTN_ROLE_DBIAS).shape[axis] == extent, ATTN_INVALID_ARGUMENT,
            text("axis ", axis, " of DBIAS must have extent ", extent, " as BIAS is stored"));
  }
}

// Q is of a declared dtype, K and V have Q's. The others have it too unless `allows_mixed`, which
// admits every declared dtype. LSE is fp32 always.
inline void check_dtypes(const PlanRequest& request, const std::vector<attn_dtype>& declared,
                         bool allows_mixed) {
  attn_dtype q = request.spec(ATTN_ROLE_Q).dtype;
  for (const TensorSpec& spec : request.specs) {
    auto is_its = [&spec](attn_dtype dtype) { return same_dtype(spec.dtype, dtype); };
    bool is_declared = std::any_of(declared.begin(), declared.end(), is_its);
    bool is_operand = spec.role <= ATTN_ROLE_V;
    bool is_taken = spec.role == ATTN_ROLE_LSE
                        ? is_its(kFp32)
                        : is_declared && (is_its(q) || (allows_mixed && !is_operand));
    require(is_taken, ATTN_UNSUPPORTED_DTYPE,
            text("this provider does not take ", role_name(spec.role), " of dtype code ",
                 spec.dtype.code, ", ", spec.dtype.bits, " bits, ", spec.dtype.lanes, " lanes"));
  }
}

// All of the above, in order.
inline PlanRequest take_request(const attn_plan_args* args, uint64_t features,
                                const std::vector<attn_dtype>& dtypes, bool allows_mixed,
                                const std::vector<OptionSpec>& options) {
  constexpr uint32_t kArgsBytes = ATTN_SIZE_TO(attn_plan_args, options);
  constexpr uint32_t kProblemBytes = ATTN_SIZE_TO(attn_problem, window_right);
  check_request(args, kArgsBytes, kArgsBytes, "attn_plan_args");
  require(args->reserved == 0, ATTN_UNSUPPORTED_FEATURE, "attn_plan_args.reserved is not 0");
  check_request(args->problem, kProblemBytes, kProblemBytes, "attn_problem");
  check_array(args->specs, args->num_specs, "attn_plan_args.specs");

  PlanRequest request;
  request.options = Options(options);
  request.problem = *args->problem;
  check_problem(request.problem, features);
  for (uint32_t i = 0; i < args->num_specs; ++i) {
    request.specs.push_back(take_spec(args->specs[i], request.problem));
  }
  check_roles(request);
  check_dtypes(request, dtypes, allows_mixed);
  request.options.parse(args->options, args->num_options);
  return request;
}

}  // namespace detail
}  // namespace attn
