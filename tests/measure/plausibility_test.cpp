#include "measure/plausibility.h"

#include <cmath>

#include "model/work.h"
#include "support/catch.h"

using namespace attnbench;

namespace {

constexpr DeviceLimits kH100 = {989.0, 3350.0, 50u << 20};

// The case that the seed published: 0.0015 ms, or 358,000 TFLOP/s.
Problem large_problem() {
  Problem problem;
  problem.heads = problem.kv_heads = 32;
  problem.seqlen_q = problem.seqlen_kv = 8192;
  problem.head_dim = 128;
  return problem;
}

// One query over a long cache: few FLOPs, many bytes.
Problem decode_problem() {
  Problem problem;
  problem.batch = 16;
  problem.heads = problem.kv_heads = 32;
  problem.seqlen_kv = 8192;
  problem.head_dim = 128;
  return problem;
}

}  // namespace

TEST_CASE("the time that started this project is implausible, with both numbers",
          "[plausibility]") {
  const PlausibilityResult result = check_plausibility(0.0015, large_problem(), kH100);
  CHECK((result.plausibility == Plausibility::implausible));
  CHECK(*result.floor_ms == Approx(flops(large_problem()) / 989e12 * 1e3));
  CHECK(result.message == "median 0.0015 ms, but 1.1 TFLOP at 989 TFLOP/s take at least 1.112 ms");
}

TEST_CASE("95 % of the floor is the limit", "[plausibility]") {
  const double floor_ms = floor_of(large_problem(), kH100)->ms;
  const auto judge_at = [&](double fraction) {
    return check_plausibility(fraction * floor_ms, large_problem(), kH100).plausibility;
  };
  CHECK((judge_at(0.949) == Plausibility::implausible));
  CHECK((judge_at(0.951) == Plausibility::plausible));
  CHECK(
      (check_plausibility(NAN, large_problem(), kH100).plausibility == Plausibility::implausible));
  CHECK(check_plausibility(floor_ms, large_problem(), kH100).message.empty());
}

TEST_CASE("bytes are the floor where there is little to compute", "[plausibility]") {
  const Floor floor = *floor_of(decode_problem(), kH100);
  CHECK(floor.ms == Approx(least_bytes(decode_problem()) / 3350e9 * 1e3));
  CHECK(floor.reason.find("GB/s") != std::string::npos);
}

TEST_CASE("bytes that the cache may hold give no floor", "[plausibility]") {
  DeviceLimits limits = kH100;
  limits.peak_tflops.reset();
  const double bytes = least_bytes(decode_problem());
  limits.l2_bytes = static_cast<uint64_t>(bytes / 2) + 1;
  CHECK_FALSE(floor_of(decode_problem(), limits));
  limits.l2_bytes = static_cast<uint64_t>(bytes / 2) - 1;
  CHECK(floor_of(decode_problem(), limits));
  limits.l2_bytes.reset();  // not known: nothing can be said
  CHECK_FALSE(floor_of(decode_problem(), limits));
}

TEST_CASE("a device of unknown peaks judges nothing", "[plausibility]") {
  const PlausibilityResult result = check_plausibility(1e-9, large_problem(), DeviceLimits{});
  CHECK((result.plausibility == Plausibility::not_known));
  CHECK_FALSE(result.floor_ms);
  CHECK(result.message.empty());
}

TEST_CASE("a call below 20 us on a GPU is told apart, unless a graph repeats it",
          "[plausibility]") {
  CHECK(doubt_about_short(0.0199, "cuda:0", Protocol::adaptive).starts_with("short"));
  CHECK(doubt_about_short(0.0199, "cuda:0", Protocol::do_bench).starts_with("short"));
  CHECK(doubt_about_short(0.0201, "cuda:0", Protocol::adaptive).empty());
  CHECK(doubt_about_short(0.001, "cuda:0", Protocol::do_bench_cudagraph).empty());
  CHECK(doubt_about_short(0.001, "cpu", Protocol::adaptive).empty());
}
