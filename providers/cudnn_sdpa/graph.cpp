// The lesson: cuDNN has no attention kernel to call. One describes the mathematics as a graph and
// asks which of its engines know that pattern; "none" is the ordinary answer to an unusual problem.
#include "graph.h"

#include <cudnn_frontend.h>

namespace cudnn_sdpa {
namespace {

namespace fe = cudnn_frontend;
using TensorHandle = std::shared_ptr<fe::graph::Tensor_attributes>;  // as cudnn-frontend wants it

// A pass that cuDNN has no engine for is an answer; a graph that makes no sense is our defect.
attn_status status_of(fe::error_code_t code) {
  switch (code) {
    case fe::error_code_t::GRAPH_NOT_SUPPORTED:
    case fe::error_code_t::GRAPH_EXECUTION_PLAN_CREATION_FAILED:
    case fe::error_code_t::HEURISTIC_QUERY_FAILED:
    case fe::error_code_t::UNSUPPORTED_GRAPH_FORMAT:
    case fe::error_code_t::CUDNN_BACKEND_API_FAILED:
      return ATTN_UNSUPPORTED;
    case fe::error_code_t::GRAPH_EXECUTION_FAILED:
    case fe::error_code_t::CUDA_API_FAILED:
      return ATTN_EXECUTION_FAILED;
    default:
      return ATTN_INTERNAL;
  }
}

void check(const fe::error_t& error, const char* doing) {
  if (error.is_good()) return;
  throw attn::Failure(named_rightly(status_of(error.code)),
                      attn::text("cuDNN, ", doing, ": ", error.err_msg), ATTN_NATIVE_CUDNN,
                      static_cast<int32_t>(error.code));
}

fe::DataType_t data_type_of(attn_dtype dtype) {
  if (attn::same_dtype(dtype, attn::kFp32)) return fe::DataType_t::FLOAT;
  return attn::same_dtype(dtype, attn::kFp16) ? fe::DataType_t::HALF : fe::DataType_t::BFLOAT16;
}

fe::HeurMode_t mode_of(const std::string& heuristic) {
  if (heuristic == "b") return fe::HeurMode_t::B;
  return heuristic == "fallback" ? fe::HeurMode_t::FALLBACK : fe::HeurMode_t::A;
}

// cuDNN's axes are (B, H, S, D); a broadcast axis has extent 1 there, stride 0 here.
struct Axes {
  std::vector<int64_t> extents, strides;
};
Axes axes_of(const attn::TensorSpec& spec) {
  const auto& n = spec.shape;
  const auto& s = spec.strides;
  if (spec.role == ATTN_ROLE_LSE) return {{n[0], n[1], n[2], 1}, {s[0], s[1], s[2], 1}};
  if (spec.role != ATTN_ROLE_BIAS) return {{n[0], n[2], n[1], n[3]}, {s[0], s[2], s[1], s[3]}};
  const int64_t heads = s[1] == 0 ? 1 : n[1];
  const int64_t batches = s[0] == 0 ? 1 : n[0];
  const int64_t head_stride = s[1] == 0 ? n[2] * s[2] : s[1];
  return {{batches, heads, n[2], n[3]},
          {s[0] == 0 ? heads * head_stride : s[0], head_stride, s[2], s[3]}};
}

class Description {
 public:
  Description(fe::graph::Graph& graph, const attn::PlanRequest& request)
      : graph_(graph), request_(request) {
    graph_.set_io_data_type(data_type_of(request.spec(ATTN_ROLE_Q).dtype))
        .set_intermediate_data_type(fe::DataType_t::FLOAT)
        .set_compute_data_type(fe::DataType_t::FLOAT);
  }

  void add_forward() {
    fe::graph::SDPA_attributes pass;
    pass.set_name("forward").set_generate_stats(request_.has(ATTN_ROLE_LSE));
    set_score_rules(pass);
    const std::array<TensorHandle, 2> outputs =
        graph_.sdpa(input(ATTN_ROLE_Q), input(ATTN_ROLE_K), input(ATTN_ROLE_V), pass);
    add_output(outputs[0], ATTN_ROLE_O);
    if (request_.has(ATTN_ROLE_LSE)) add_output(outputs[1], ATTN_ROLE_LSE);
  }

  void add_backward(bool is_deterministic) {
    fe::graph::SDPA_backward_attributes pass;
    pass.set_name("backward").set_deterministic_algorithm(is_deterministic);
    set_score_rules(pass);
    const std::array<TensorHandle, 3> gradients =
        graph_.sdpa_backward(input(ATTN_ROLE_Q), input(ATTN_ROLE_K), input(ATTN_ROLE_V),
                             input(ATTN_ROLE_O), input(ATTN_ROLE_DO), input(ATTN_ROLE_LSE), pass);
    add_output(gradients[0], ATTN_ROLE_DQ);
    add_output(gradients[1], ATTN_ROLE_DK);
    add_output(gradients[2], ATTN_ROLE_DV);
  }

 private:
  template <typename Attributes>
  void set_score_rules(Attributes& pass) {
    pass.set_attn_scale(static_cast<float>(request_.softmax_scale()));
    if (request_.has(ATTN_ROLE_BIAS)) pass.set_bias(input(ATTN_ROLE_BIAS));
    if (request_.problem.mask == ATTN_MASK_NONE) return;
    pass.set_diagonal_alignment(request_.problem.mask == ATTN_MASK_CAUSAL_TOP_LEFT
                                    ? fe::DiagonalAlignment_t::TOP_LEFT
                                    : fe::DiagonalAlignment_t::BOTTOM_RIGHT);
    pass.set_diagonal_band_right_bound(0);
  }

  TensorHandle input(int32_t role) {
    const attn::TensorSpec& spec = request_.spec(role);
    const Axes axes = axes_of(spec);
    return graph_.tensor(fe::graph::Tensor_attributes()
                             .set_name(attn::detail::role_name(role))
                             .set_uid(role)
                             .set_dim(axes.extents)
                             .set_stride(axes.strides)
                             .set_data_type(data_type_of(spec.dtype)));
  }

  void add_output(const TensorHandle& tensor, int32_t role) {
    const attn::TensorSpec& spec = request_.spec(role);
    const Axes axes = axes_of(spec);
    tensor->set_output(true)
        .set_uid(role)
        .set_dim(axes.extents)
        .set_stride(axes.strides)
        .set_data_type(data_type_of(spec.dtype));
  }

  fe::graph::Graph& graph_;
  const attn::PlanRequest& request_;
};

}  // namespace

struct Graph::Parts {
  fe::graph::Graph graph;
};

Graph::Graph(const attn::PlanRequest& request, const Session& session, const std::string& heuristic,
             bool is_deterministic)
    : parts_(std::make_unique<Parts>()) {
  fe::graph::Graph& graph = parts_->graph;
  Description description(graph, request);
  if (request.is_backward()) {
    description.add_backward(is_deterministic);
  } else {
    description.add_forward();
  }
  check(graph.validate(), "looking at the problem");
  check(graph.build_operation_graph(session.handle()), "building the graph");
  check(graph.create_execution_plans({mode_of(heuristic)}), "asking the heuristics");
  if (is_deterministic) graph.deselect_numeric_notes({fe::NumericalNote_t::NONDETERMINISTIC});
}

Graph::Graph(Graph&&) noexcept = default;
Graph::~Graph() = default;

int64_t Graph::num_candidates() const {
  return parts_->graph.get_execution_plan_count();
}

std::string Graph::compile(int64_t candidate) {
  const fe::error_t error = parts_->graph.build_plan_at_index(candidate);
  return error.is_good() ? "" : error.err_msg;
}

uint64_t Graph::workspace_bytes(int64_t candidate) const {
  int64_t bytes = 0;
  check(parts_->graph.get_workspace_size_plan_at_index(candidate, bytes), "sizing the workspace");
  return static_cast<uint64_t>(bytes);
}

std::string Graph::name(int64_t candidate) const {
  std::string name;
  check(parts_->graph.get_plan_name_at_index(candidate, name), "naming an engine");
  return name;
}

void Graph::run(int64_t candidate, const Session& session, Addresses& addresses,
                void* workspace) const {
  check(parts_->graph.execute_plan_at_index(session.handle(), addresses, workspace, candidate),
        "enqueuing the pass");
}

}  // namespace cudnn_sdpa
