#include "measure/verdict.h"

#include <fmt/format.h>

#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace attnbench {
namespace {

std::string describe(const RoleComparison& wrong) {
  const std::string row =
      fmt::format("{}: row (b {}, h {}, i {})", wrong.role, wrong.batch, wrong.head, wrong.row);
  if (wrong.has_unexpected_nan) {
    return fmt::format("{} is NaN, expected {:.6g}", row, wrong.expected);
  }
  return fmt::format("{} got {:.6g}, expected {:.6g}; error {:.3g}, allowed {:.3g}", row, wrong.got,
                     wrong.expected, wrong.max_error, wrong.allowed_error);
}

}  // namespace

// Written so that an error that is no number is wrong.
bool RoleComparison::is_right() const {
  return !has_unexpected_nan && max_error <= allowed_error;
}

Verdict judge(std::span<const RoleComparison> comparisons) {
  const RoleComparison* first_wrong = nullptr;
  std::vector<std::string> others;
  if (comparisons.empty()) throw Error("a verdict was asked for, but no output was compared");
  for (const RoleComparison& comparison : comparisons) {
    if (comparison.rows < 1) {
      throw Error(
          fmt::format("a verdict was asked for, but no row of {} was compared", comparison.role));
    }
    if (comparison.is_right()) continue;
    if (first_wrong == nullptr) {
      first_wrong = &comparison;
    } else {
      others.push_back(comparison.role);
    }
  }
  if (first_wrong == nullptr) return {};
  Verdict verdict;
  verdict.outcome = Outcome::wrong_result;
  verdict.detail = first_wrong->has_unexpected_nan ? "unexpected-nan" : "error-too-large";
  verdict.message = describe(*first_wrong);
  if (!others.empty()) verdict.message += "; wrong too: " + join(others, ", ");
  return verdict;
}

}  // namespace attnbench
