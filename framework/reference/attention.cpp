#include "reference/attention.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "reference/parts.h"

namespace attnbench {
namespace {

bool is_inside(const RowIndex& row, int64_t batch, int64_t heads, int64_t length) {
  return row.batch >= 0 && row.batch < batch && row.head >= 0 && row.head < heads &&
         row.index >= 0 && row.index < length;
}

void check_selection(const Problem& problem, const RowSelection& selection) {
  for (const RowIndex& row : selection.q_rows) {
    if (!is_inside(row, problem.batch, problem.heads, problem.seqlen_q)) {
      throw Error("a chosen query row lies outside of " + to_text(problem),
                  "choose rows for the problem that is computed");
    }
  }
  for (const RowIndex& row : selection.kv_rows) {
    const RowIndex& first = selection.kv_rows.front();
    if (!is_inside(row, problem.batch, problem.kv_heads, problem.seqlen_kv) ||
        row.batch != first.batch || row.head != first.head) {
      throw Error("a chosen key row lies outside of " + to_text(problem) + " or in another head",
                  "choose key rows of one (batch, kv_head) of the problem");
    }
  }
}

}  // namespace

RoleRows make_rows(Role role, int64_t row_length, size_t rows) {
  const size_t elements = rows * static_cast<size_t>(row_length);
  return {role, row_length, std::vector<double>(elements), std::vector<double>(elements), 0.0, 0.0};
}

void record_element(size_t position, double value, double noise, float plain, RoleRows& rows) {
  rows.values[position] = value;
  rows.noise[position] = noise;
  const double error = std::abs(static_cast<double>(plain) - value);
  if (!std::isfinite(error)) return;  // -inf of a masked row, or more than the dtype can hold
  rows.plain_error = std::max(rows.plain_error, error);
  rows.plain_ratio = std::max(rows.plain_ratio, error / noise);
}

ReferenceRows compute_reference(const Problem& problem, uint64_t seed, uint32_t variant,
                                const RowSelection& selection, const Threads& threads) {
  check_problem(problem);
  check_selection(problem, selection);
  const Setup setup(problem, seed, variant);
  ReferenceRows reference;
  reference.selection = selection;
  reference.roles = compute_query_rows(setup, selection.q_rows, threads);
  if (!problem.has_backward()) return reference;
  if (!selection.kv_rows.empty()) {
    for (RoleRows& rows : compute_key_rows(setup, selection.kv_rows, threads)) {
      reference.roles.push_back(std::move(rows));
    }
  }
  reference.sums = compute_head_sums(setup, threads);
  return reference;
}

}  // namespace attnbench
