// Where each tensor of a problem lies in memory: role, shape, strides.
//
// The lesson: axes have one logical order, whatever the memory order is. Q is always addressed as
// (batch, seqlen, heads, head_dim); Layout decides the strides alone. A broadcast axis of the bias
// has its full extent and stride 0, so nothing that reads it needs to know. Offsets are 64-bit: a
// bias of 65,536 x 65,536 has more elements than 32 bits can count.
#pragma once

#include <cstdint>
#include <vector>

#include "base/enum_text.h"
#include "model/problem.h"

namespace attnbench {

enum class Role { q, k, v, o, lse, bias, do_, dq, dk, dv };

inline constexpr EnumText<Role> kRoles[] = {
    {Role::q, "q"},       {Role::k, "k"},    {Role::v, "v"},   {Role::o, "o"},   {Role::lse, "lse"},
    {Role::bias, "bias"}, {Role::do_, "do"}, {Role::dq, "dq"}, {Role::dk, "dk"}, {Role::dv, "dv"}};

// Q, DO, K, V and the outputs shaped like them: (batch, seqlen, heads, head_dim).
// LSE: (batch, heads, seqlen_q), always fp32 and contiguous.
// BIAS: (batch, heads, seqlen_q, seqlen_kv), stride 0 where its stored extent is 1.
struct TensorLayout {
  Role role = Role::q;
  Dtype dtype = Dtype::fp32;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  // in elements
  int64_t elements_stored = 0;
  int64_t bytes = 0;

  // A row is what one query or key owns: head_dim elements, seqlen_kv of BIAS, one of LSE.
  int64_t row_length() const;
  // Elements from the tensor's start to row `index` of (batch, head). Rows are contiguous.
  int64_t offset_of(int64_t batch, int64_t head, int64_t index) const;
};

// Throws Error if the problem has no such tensor (bias where there is none).
TensorLayout layout_of(const Problem& problem, Role role);

// The one pass or the other; mode fwd_bwd is both, one after the other.
enum class Pass { fwd, bwd };
struct PassRoles {
  std::vector<Role> inputs, outputs;
};
PassRoles roles_of(const Problem& problem, Pass pass);

// True for the roles that are drawn at random; the others are computed from them.
constexpr bool is_drawn(Role role) {
  return role == Role::q || role == Role::k || role == Role::v || role == Role::bias ||
         role == Role::do_;
}

}  // namespace attnbench
