#include "reference/compare.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "tensor/convert.h"

namespace attnbench {
namespace {

constexpr double kPlainFactor = 2.0;
constexpr double kSlack = 4.0;
constexpr double kLseSlackFp32 = 16.0;
constexpr double kLseSlack16Bit = 64.0;
constexpr double kIdentityNoises = 6.0;

double slack_of(Role role, Dtype dtype) {
  if (role != Role::lse) return kSlack;
  return dtype == Dtype::fp32 ? kLseSlackFp32 : kLseSlack16Bit;
}

// Keeps the worst of the elements that it is shown.
class Worst {
 public:
  Worst(Role role, int64_t rows) {
    check_.role = role;
    check_.rows = rows;
  }

  void look_at(const RowIndex& where, int64_t column, double got, double expected, double error,
               double allowed) {
    if (check_.has_unexpected_nan) return;
    const bool is_nan = std::isnan(error);
    const double ratio = is_nan ? std::numeric_limits<double>::infinity() : error / allowed;
    if (!is_nan && ratio <= worst_ratio_) return;
    worst_ratio_ = ratio;
    check_.has_unexpected_nan = is_nan;
    check_.where = where;
    check_.column = column;
    check_.got = got;
    check_.expected = expected;
    check_.error = error;
    check_.allowed_error = allowed;
  }

  const RowsCheck& check() const { return check_; }

 private:
  RowsCheck check_;
  double worst_ratio_ = -1.0;
};

// NaN only for a NaN that the reference does not have.
double error_of(float got, double expected, Dtype stored_as) {
  if (std::isnan(expected)) return std::isnan(got) ? 0.0 : std::numeric_limits<double>::infinity();
  if (got == round_to(stored_as, static_cast<float>(expected))) {
    return std::isinf(got) ? 0.0 : std::abs(got - expected);
  }
  return std::abs(got - expected);
}

[[noreturn]] void fail_size(Role role, size_t got, size_t expected) {
  throw Error(fmt::format("{} numbers came back for the rows of {}, {} were asked for", got,
                          enum_to_text(kRoles, role), expected),
              "worker and host disagree about the rows: this is a defect of attnbench");
}

const RoleRows& rows_of(const ReferenceRows& reference, Role role) {
  for (const RoleRows& rows : reference.roles) {
    if (rows.role == role) return rows;
  }
  throw Error(fmt::format("the reference has no rows of {}", enum_to_text(kRoles, role)),
              "ask for roles that the problem's mode writes");
}

}  // namespace

RowsCheck compare_rows(const ReferenceRows& reference, Role role, Dtype dtype,
                       std::span<const float> got) {
  const RoleRows& rows = rows_of(reference, role);
  if (got.size() != rows.values.size()) fail_size(role, got.size(), rows.values.size());
  const bool of_keys = role == Role::dk || role == Role::dv;
  const std::vector<RowIndex>& selection =
      of_keys ? reference.selection.kv_rows : reference.selection.q_rows;
  const Dtype stored_as = role == Role::lse ? Dtype::fp32 : dtype;
  const double noises = kPlainFactor * rows.plain_ratio + slack_of(role, dtype);
  const size_t length = static_cast<size_t>(rows.row_length);
  Worst worst(role, static_cast<int64_t>(selection.size()));
  for (size_t e = 0; e < got.size(); ++e) {
    const double expected = rows.values[e];
    worst.look_at(selection[e / length], static_cast<int64_t>(e % length), got[e], expected,
                  error_of(got[e], expected, stored_as), noises * rows.noise[e]);
  }
  return worst.check();
}

RowsCheck compare_sums(const ReferenceRows& reference, Role role, std::span<const double> got) {
  if (role != Role::dk && role != Role::dv) {
    throw Error(fmt::format("no identity holds for {}", enum_to_text(kRoles, role)),
                "compare the sums of dk or dv");
  }
  size_t expected_size = 0;
  for (const HeadSums& sums : reference.sums) expected_size += sums.dv_sum.size();
  if (got.size() != expected_size) fail_size(role, got.size(), expected_size);
  Worst worst(role, static_cast<int64_t>(reference.sums.size()));
  size_t e = 0;
  for (const HeadSums& sums : reference.sums) {
    for (size_t c = 0; c < sums.dv_sum.size(); ++c, ++e) {
      const double expected = role == Role::dv ? sums.dv_sum[c] : 0.0;
      const double noise = role == Role::dv ? sums.dv_noise[c] : sums.dk_noise[c];
      worst.look_at({sums.batch, sums.kv_head, 0}, static_cast<int64_t>(c), got[e], expected,
                    std::abs(got[e] - expected), kIdentityNoises * noise);
    }
  }
  return worst.check();
}

}  // namespace attnbench
