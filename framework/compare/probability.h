// Tails of the two distributions that verdicts rest on.
#pragma once

namespace attnbench {

// P(|Z| >= |z|) for a standard normal Z, and the z >= 0 whose two tails hold `p`.
double normal_two_sided(double z);
double normal_quantile(double p);

// The same for Student's t. `freedom` is its degrees of freedom, above 0.
double student_two_sided(double t, double freedom);
double student_quantile(double p, double freedom);

}  // namespace attnbench
