#include "tensor/layout.h"

#include "base/error.h"

namespace attnbench {
namespace {

bool has_keys_as_rows(Role role) {
  return role == Role::k || role == Role::v || role == Role::dk || role == Role::dv;
}

// Axes in logical order (b, s, h, d), strides by the order in memory.
void lay_out_rows(const Problem& problem, int64_t seqlen, int64_t heads, TensorLayout& tensor) {
  const int64_t d = problem.head_dim;
  tensor.shape = {problem.batch, seqlen, heads, d};
  tensor.strides = problem.layout == Layout::bshd
                       ? std::vector<int64_t>{seqlen * heads * d, heads * d, d, 1}
                       : std::vector<int64_t>{seqlen * heads * d, d, seqlen * d, 1};
  tensor.elements_stored = problem.batch * seqlen * heads * d;
}

void lay_out_bias(const Problem& problem, TensorLayout& tensor) {
  if (problem.bias == Bias::none) {
    throw Error("problem " + to_text(problem) + " has no bias", "ask for the bias only where set");
  }
  const int64_t matrix = problem.seqlen_q * problem.seqlen_kv;
  tensor.shape = {problem.batch, problem.heads, problem.seqlen_q, problem.seqlen_kv};
  tensor.strides = {problem.bias_batch() == 1 ? 0 : problem.bias_heads() * matrix,
                    problem.bias_heads() == 1 ? 0 : matrix, problem.seqlen_kv, 1};
  tensor.elements_stored = problem.bias_batch() * problem.bias_heads() * matrix;
}

}  // namespace

int64_t TensorLayout::row_length() const {
  return role == Role::lse ? 1 : shape[3];
}

int64_t TensorLayout::offset_of(int64_t batch, int64_t head, int64_t index) const {
  const bool heads_come_first = role == Role::lse || role == Role::bias;
  const int64_t head_stride = strides[heads_come_first ? 1 : 2];
  const int64_t index_stride = strides[heads_come_first ? 2 : 1];
  return batch * strides[0] + head * head_stride + index * index_stride;
}

TensorLayout layout_of(const Problem& problem, Role role) {
  TensorLayout tensor;
  tensor.role = role;
  tensor.dtype = role == Role::lse ? Dtype::fp32 : problem.dtype;
  if (role == Role::lse) {
    tensor.shape = {problem.batch, problem.heads, problem.seqlen_q};
    tensor.strides = {problem.heads * problem.seqlen_q, problem.seqlen_q, 1};
    tensor.elements_stored = problem.batch * problem.heads * problem.seqlen_q;
  } else if (role == Role::bias) {
    lay_out_bias(problem, tensor);
  } else if (has_keys_as_rows(role)) {
    lay_out_rows(problem, problem.seqlen_kv, problem.kv_heads, tensor);
  } else {
    lay_out_rows(problem, problem.seqlen_q, problem.heads, tensor);
  }
  tensor.bytes = tensor.elements_stored * bytes_of(tensor.dtype);
  return tensor;
}

PassRoles roles_of(const Problem& problem, Pass pass) {
  PassRoles roles;
  roles.inputs = {Role::q, Role::k, Role::v};
  if (pass == Pass::fwd) {
    roles.outputs = {Role::o, Role::lse};
  } else {
    roles.inputs.insert(roles.inputs.end(), {Role::o, Role::lse, Role::do_});
    roles.outputs = {Role::dq, Role::dk, Role::dv};
  }
  if (problem.bias != Bias::none) roles.inputs.push_back(Role::bias);
  return roles;
}

}  // namespace attnbench
