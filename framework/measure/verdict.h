// Right or wrong: turns the comparison of a provider's rows with the fp64 reference into an outcome
// and one line that shows the worst row. The comparison itself is reference/'s; here it is plain
// data.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "model/outcome.h"

namespace attnbench {

// The rows of one output, compared.
struct RoleComparison {
  std::string role;                 // "o", "lse", "dq", "dk", "dv"
  double max_error = 0.0;           // largest |got - expected| of all rows compared
  double allowed_error = 0.0;       // what max_error may be
  int64_t rows = 0;                 // compared
  bool has_unexpected_nan = false;  // a NaN where the reference has none
  // Where the worst element is: row i of head h in batch b, and what stands there.
  int64_t batch = 0, head = 0, row = 0;
  double got = 0.0, expected = 0.0;

  bool is_right() const;
};

struct Verdict {
  Outcome outcome = Outcome::ok;  // or wrong_result
  std::string detail;             // "unexpected-nan", "error-too-large"; empty when ok
  std::string message;            // empty when ok
};

// The first wrong output in the order given, the others named. Throws Error if nothing was
// compared, or no row of an output: silence is no proof.
Verdict judge(std::span<const RoleComparison> comparisons);

}  // namespace attnbench
