// Attention in fp64 on chosen rows: the definition of right.
//
// The lesson: checking a whole result costs as much as computing it, so a few rows are chosen by a
// secret that no provider knows. A row of O, LSE or dQ needs one query and all keys: cheap. A row
// of dK or dV needs every query of the group of heads that share it, and each of those needs its
// softmax over all keys first: that is one head's whole forward pass, so the kv rows all belong to
// one (batch, kv_head). The other heads are watched through two identities of the exact gradients,
// summed over the keys of a (batch, kv_head): sum_j dV_j = sum_i dO_i and sum_j dK_j = 0.
//
// How wrong may a right answer be? As wrong as rounding makes it. Two things are therefore computed
// beside each row: its noise, an estimate of the rounding noise of each element (noise.h), and the
// error in units of that noise which a plain implementation in the problem's dtype makes on the
// very same rows: fp32 accumulation; P and dS rounded to the dtype before they are multiplied, as
// GPU kernels do; results rounded to the dtype. compare.h judges by both.
#pragma once

#include <cstdint>
#include <vector>

#include "model/problem.h"
#include "reference/parallel.h"
#include "tensor/layout.h"

namespace attnbench {

// A row of Q, O, LSE, dO, dQ (head of Q) or of K, V, dK, dV (head of K).
struct RowIndex {
  int64_t batch = 0, head = 0, index = 0;
  bool operator==(const RowIndex&) const = default;
};

struct RowSelection {
  std::vector<RowIndex> q_rows;
  std::vector<RowIndex> kv_rows;  // all of one (batch, kv_head); empty for a forward problem
};

// About `count` rows each for queries and keys: the first, the last, both sides of random 32, 64
// and 128 edges (where kernels have their seams), the rest anywhere. Query rows lie in up to four
// heads.
RowSelection choose_rows(const Problem& problem, uint64_t secret_seed, uint32_t variant,
                         int count = 64);

// The chosen rows of one output, one behind the other in the selection's order.
struct RoleRows {
  Role role = Role::o;
  int64_t row_length = 0;
  std::vector<double> values;
  std::vector<double> noise;  // one for each value, above 0 and finite
  double plain_ratio = 0.0;   // largest |plain - value| / noise
  double plain_error = 0.0;   // largest |plain - value|
};

// What the exact gradients of one (batch, kv_head) sum up to over the keys, by column.
struct HeadSums {
  int64_t batch = 0, kv_head = 0;
  std::vector<double> dv_sum;  // the sum of dO over the group; that of dK is 0
  std::vector<double> dv_noise, dk_noise;
};

struct ReferenceRows {
  RowSelection selection;
  std::vector<RoleRows> roles;  // o, lse; with a backward pass dq, dk, dv too
  std::vector<HeadSums> sums;   // with a backward pass, of every (batch, kv_head)
};

// Inputs are drawn from (seed, variant), never passed. The result does not depend on `threads`;
// called off, there is none: throws CalledOff.
// Cost: the query rows are cheap; kv rows cost one forward pass of heads / kv_heads heads.
ReferenceRows compute_reference(const Problem& problem, uint64_t seed, uint32_t variant,
                                const RowSelection& selection, const Threads& threads);

}  // namespace attnbench
