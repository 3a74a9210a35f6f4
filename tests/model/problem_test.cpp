#include "model/problem.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "support/catch.h"

using namespace attnbench;

namespace {

Problem odd_problem() {
  Problem problem;
  problem.mode = Mode::fwd_bwd;
  problem.dtype = Dtype::bf16;
  problem.batch = 2;
  problem.heads = 6;
  problem.kv_heads = 3;
  problem.seqlen_q = 17;
  problem.seqlen_kv = 33;
  problem.head_dim = 40;
  problem.layout = Layout::bhsd;
  problem.causal = Causal::bottom_right;
  problem.bias = Bias::one_h;
  problem.scale = 0.1;
  problem.inputs = {1.0 / 3, -1e30, 0.125, 0.7, Values::one_hot};
  return problem;
}

}  // namespace

TEST_CASE("a problem survives JSON, digit for digit", "[problem]") {
  for (const Problem& problem : {Problem{}, odd_problem()}) {
    const std::string line = dump_json(to_json(problem));
    CHECK(problem_from_json(parse_json(line, "test")) == problem);
  }
  CHECK(
      dump_json(to_json(Problem{})) ==
      R"({"mode":"fwd","dtype":"fp16","batch":1,"heads":1,"kv_heads":1,"seqlen_q":1,)"
      R"("seqlen_kv":1,"head_dim":64,"layout":"bshd","causal":"none","bias":"none","scale":0.0,)"
      R"("inputs":{"stddev":2.0,"bias_low":-65504.0,"bias_low_fraction":0.25,"bias_stddev":0.0}})");
}

TEST_CASE("a problem with a wrong key, word or type is refused", "[problem]") {
  const Json good = to_json(odd_problem());
  const auto refuse = [&](const char* key, const Json& value) {
    Json bad = good;
    bad[key] = value;
    CHECK_THROWS_AS(problem_from_json(bad), Error);
  };
  refuse("haeds", 4);
  refuse("dtype", "fp8");
  refuse("batch", 1.0);
  refuse("batch", "1");
  refuse("scale", nullptr);
  refuse("inputs", Json::array());
  refuse("heads", 0);
  Json without = good;
  without.erase("causal");
  CHECK_THROWS_WITH(problem_from_json(without), "problem: \"causal\" is missing");
}

TEST_CASE("what no provider could be asked is refused by name", "[problem]") {
  const auto message_of = [](auto change) -> std::string {
    Problem problem;
    change(problem);
    try {
      check_problem(problem);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  CHECK(message_of([](Problem&) {}).empty());
  CHECK(message_of([](Problem& p) { p.seqlen_q = 0; }) ==
        "seqlen_q must be from 1 to 2147483647, got 0");
  CHECK(message_of([](Problem& p) { p.batch = int64_t{1} << 40; }).find("batch") == 0);
  CHECK(message_of([](Problem& p) { p.heads = 8, p.kv_heads = 3; }) ==
        "kv_heads 3 does not divide heads 8");
  CHECK(message_of([](Problem& p) { p.scale = NAN; }).find("scale") == 0);
  CHECK(message_of([](Problem& p) { p.inputs.stddev = INFINITY; }).find("inputs.stddev") == 0);
  CHECK(message_of([](Problem& p) {
          p.inputs.bias_low_fraction = 1.5;
        }).find("inputs.bias_low_fraction") == 0);
  CHECK_FALSE(message_of([](Problem& p) {
                p.seqlen_q = p.batch = p.head_dim = std::numeric_limits<int32_t>::max();
              }).empty());
}

TEST_CASE("a scale of 0 means one over the root of head_dim", "[problem]") {
  Problem problem;
  CHECK(problem.softmax_scale() == 0.125);
  problem.scale = -2;
  CHECK(problem.softmax_scale() == -2);
}

TEST_CASE("the stored bias has the extents that its name says", "[problem]") {
  Problem problem = odd_problem();
  const std::tuple<Bias, int64_t, int64_t> extents[] = {{Bias::none, 0, 0},
                                                        {Bias::b1, 2, 1},
                                                        {Bias::bh, 2, 6},
                                                        {Bias::one_h, 1, 6},
                                                        {Bias::one_one, 1, 1}};
  for (const auto& [bias, batch, heads] : extents) {
    problem.bias = bias;
    CHECK(problem.bias_batch() == batch);
    CHECK(problem.bias_heads() == heads);
  }
}

TEST_CASE("the line for people names what is not ordinary", "[problem]") {
  Problem problem;
  problem.heads = problem.kv_heads = 8;
  problem.seqlen_q = problem.seqlen_kv = 1024;
  problem.bias = Bias::b1;
  CHECK(to_text(problem) == "fwd fp16 b1 h8 s1024 d64 bias=b1");
  CHECK(
      to_text(odd_problem()) ==
      "fwd_bwd bf16 b2 h6/3 s17x33 d40 bhsd causal=bottom_right bias=1h scale=0.1 values=one_hot");
}
