#include "supervise/references.h"

#include <span>

#include "base/enum_text.h"
#include "reference/compare.h"

namespace attnbench {
namespace {

std::vector<Role> checked_roles(const Problem& problem, bool with_lse) {
  std::vector<Role> roles = {Role::o};
  if (with_lse) roles.push_back(Role::lse);
  if (problem.has_backward()) roles.insert(roles.end(), {Role::dq, Role::dk, Role::dv});
  return roles;
}

const std::vector<RowIndex>& rows_of(const RowSelection& selection, Role role) {
  const bool of_keys = role == Role::dk || role == Role::dv;
  return of_keys ? selection.kv_rows : selection.q_rows;
}

size_t row_length(const Problem& problem, Role role) {
  return role == Role::lse ? 1 : static_cast<size_t>(problem.head_dim);
}

RoleComparison as_comparison(const RowsCheck& check) {
  RoleComparison comparison;
  comparison.role = enum_to_text(kRoles, check.role);
  comparison.max_error = check.error;
  comparison.allowed_error = check.allowed_error;
  comparison.rows = check.rows;
  comparison.has_unexpected_nan = check.has_unexpected_nan;
  comparison.batch = check.where.batch;
  comparison.head = check.where.head;
  comparison.row = check.where.index;
  comparison.got = check.got;
  comparison.expected = check.expected;
  return comparison;
}

}  // namespace

References::References(const Problem& problem, const RunSettings& settings)
    : problem_(problem),
      seed_(settings.measure.seed),
      secret_seed_(settings.secret_seed),
      rows_per_tensor_(settings.measure.verify_rows),
      threads_(settings.reference_threads) {}

References::~References() {
  stop_.request_stop();
}

ReferenceRows References::compute(int variant, const Threads& threads) const {
  const uint32_t number = static_cast<uint32_t>(variant);
  const RowSelection selection = choose_rows(problem_, secret_seed_, number, rows_per_tensor_);
  return compute_reference(problem_, seed_, number, selection, threads);
}

void References::start(int threads) {
  const auto begin = [this, threads](int variant, const std::shared_future<ReferenceRows>& after) {
    return std::async(std::launch::async,
                      [=, this] {
                        if (after.valid()) after.wait();
                        return compute(variant, {threads, stop_.get_token()});
                      })
        .share();
  };
  computed_[0] = begin(0, {});
  computed_[1] = begin(1, computed_[0]);  // one behind the other: each keeps all threads busy
}

const ReferenceRows& References::of(int variant) {
  std::shared_future<ReferenceRows>& computed = computed_.at(static_cast<size_t>(variant));
  if (!computed.valid()) {
    computed =
        std::async(std::launch::deferred, [=, this] { return compute(variant, threads_); }).share();
  }
  return computed.get();
}

std::vector<RowAddress> References::rows(int variant, bool with_lse) {
  const RowSelection& selection = of(variant).selection;
  std::vector<RowAddress> addresses;
  for (Role role : checked_roles(problem_, with_lse)) {
    for (const RowIndex& row : rows_of(selection, role)) {
      addresses.push_back(
          {std::string(enum_to_text(kRoles, role)), row.batch, row.head, row.index});
    }
  }
  return addresses;
}

size_t References::numbers_in(int variant, bool with_lse) {
  size_t numbers = 0;
  for (Role role : checked_roles(problem_, with_lse)) {
    numbers += rows_of(of(variant).selection, role).size() * row_length(problem_, role);
  }
  return numbers;
}

std::vector<RoleComparison> References::compare_rows(int variant, bool with_lse,
                                                     std::span<const float> got) {
  const ReferenceRows& reference = of(variant);
  std::vector<RoleComparison> comparisons;
  for (Role role : checked_roles(problem_, with_lse)) {
    const size_t count = rows_of(reference.selection, role).size() * row_length(problem_, role);
    comparisons.push_back(
        as_comparison(attnbench::compare_rows(reference, role, problem_.dtype, got.first(count))));
    got = got.subspan(count);
  }
  return comparisons;
}

size_t References::numbers_in_sums() const {
  return static_cast<size_t>(problem_.batch * problem_.kv_heads * problem_.head_dim);
}

RoleComparison References::compare_sums(int variant, const std::string& role,
                                        std::span<const double> got) {
  return as_comparison(attnbench::compare_sums(of(variant), *enum_from_text(kRoles, role), got));
}

}  // namespace attnbench
