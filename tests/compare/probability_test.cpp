#include "compare/probability.h"

#include <cmath>

#include "support/catch.h"

using namespace attnbench;

TEST_CASE("tails of Student's t are those of printed tables", "[compare]") {
  CHECK(student_quantile(0.05, 1) == Approx(12.706).epsilon(1e-4));
  CHECK(student_quantile(0.01, 4) == Approx(4.604).epsilon(1e-4));
  CHECK(student_quantile(0.01, 9) == Approx(3.250).epsilon(1e-4));
  CHECK(student_quantile(0.001, 30) == Approx(3.646).epsilon(1e-4));
  CHECK(student_two_sided(0.0, 3) == Approx(1.0));
  CHECK(student_two_sided(-2.0, 3) == student_two_sided(2.0, 3));
  CHECK(student_two_sided(INFINITY, 3) == 0.0);
}

TEST_CASE("Student's t becomes the normal distribution", "[compare]") {
  CHECK(normal_quantile(0.05) == Approx(1.959964).epsilon(1e-6));
  CHECK(normal_two_sided(2.575829) == Approx(0.01).epsilon(1e-6));
  CHECK(student_quantile(0.01, 1e6) == Approx(normal_quantile(0.01)).epsilon(1e-5));
}

TEST_CASE("a quantile is where its tail says", "[compare]") {
  for (const double p : {1e-12, 1e-4, 0.3, 0.9}) {
    CHECK(normal_two_sided(normal_quantile(p)) == Approx(p).epsilon(1e-6));
    CHECK(student_two_sided(student_quantile(p, 2), 2) == Approx(p).epsilon(1e-6));
  }
}
