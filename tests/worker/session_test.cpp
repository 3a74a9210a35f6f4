#include "worker/session.h"

#include <cmath>

#include "worker/stage.h"

using namespace attnbench;

TEST_CASE("describe lists the providers of a file and where they are usable", "[worker]") {
  Stage stage;
  const DescribeReply reply = stage.session.handle(DescribeRequest{WITNESS, {"cpu", "cuda:0"}});
  REQUIRE(reply.providers.size() == 1);
  const ProviderInfo& info = reply.providers[0];
  CHECK(info.id == "witness");
  CHECK(info.is_usable_on("cpu"));
  CHECK_FALSE(info.is_usable_on("cuda:0"));
  CHECK(info.usable.at(1).reason.find("cpu only") != std::string::npos);
}

TEST_CASE("describe of a broken file is a row with a reason", "[worker]") {
  Stage stage;
  const DescribeReply reply = stage.session.handle(DescribeRequest{__FILE__, {"cpu"}});
  REQUIRE(reply.providers.size() == 1);
  CHECK(reply.providers[0].state == LibraryState::not_elf);
}

TEST_CASE("opening what is not there fails as load_failed", "[worker]") {
  Stage stage;
  const CallFailure missing = failure_in([&] { stage.open_provider(__FILE__); });
  CHECK(missing.outcome == Outcome::load_failed);
  CHECK(missing.detail == "not-elf");
  const CallFailure unknown = failure_in([&] { stage.open_provider(WITNESS, "nobody"); });
  CHECK(unknown.detail == "no-such-provider");
}

TEST_CASE("requests out of order are refused, not obeyed half", "[worker]") {
  Stage stage;
  const auto detail = [](auto call) { return failure_in(call).detail; };
  CHECK(detail([&] { stage.session.handle(BeginCaseRequest{}); }) == "out-of-order");
  stage.open_provider();
  CHECK(detail([&] { stage.session.handle(PrepareRequest{"t", {}}); }) == "out-of-order");
  CHECK(detail([&] { stage.open_provider(); }) == "out-of-order");
  stage.session.handle(BeginCaseRequest{small_problem(), 1});
  CHECK(detail([&] {
          stage.session.handle(BeginCaseRequest{small_problem(), 1});
        }) == "out-of-order");
  CHECK(detail([&] { stage.session.handle(RunOnceRequest{"t", 0}); }) == "out-of-order");
}

TEST_CASE("prepare reports the plan as the provider resolved it", "[worker]") {
  Stage stage;
  stage.open_provider();
  stage.session.handle(BeginCaseRequest{small_problem(), 1});
  const PrepareReply reply = stage.session.handle(PrepareRequest{"t", {}});
  CHECK(reply.plan.workspace_bytes == 4096);
  CHECK(reply.plan.resolved_options == Options{{"harm", std::string("none")}});
  CHECK(reply.prepare_ms > 0.0);
}

TEST_CASE("a provider's refusal keeps its status and its words", "[worker]") {
  Stage stage;
  stage.open_provider();
  Problem problem = small_problem();
  problem.head_dim = 4;
  stage.session.handle(BeginCaseRequest{problem, 1});
  const CallFailure refusal = failure_in([&] { stage.session.handle(PrepareRequest{"t", {}}); });
  CHECK(refusal.outcome == Outcome::unsupported);
  CHECK(refusal.status == ATTN_UNSUPPORTED_SHAPE);
  CHECK(std::string(refusal.what()) == "head_dim below 8");
  CHECK(stage.channel.phase() == Phase::supports);
}

TEST_CASE("a wrong option is the provider's to explain", "[worker]") {
  Stage stage;
  stage.open_provider();
  stage.session.handle(BeginCaseRequest{small_problem(), 1});
  const CallFailure refusal = failure_in([&] {
    stage.session.handle(PrepareRequest{"t", {{"hram", std::string("none")}}});
  });
  CHECK(refusal.outcome == Outcome::invalid_argument);
  CHECK(std::string(refusal.what()).find("harm") != std::string::npos);
}

TEST_CASE("a provider is not asked for a feature or dtype it does not declare", "[worker]") {
  Stage stage;
  stage.open_provider();
  Problem causal = small_problem();
  causal.causal = Causal::top_left;
  stage.session.handle(BeginCaseRequest{causal, 1});
  const CallFailure feature = failure_in([&] { stage.session.handle(PrepareRequest{"t", {}}); });
  CHECK(feature.outcome == Outcome::unsupported);
  CHECK(std::string(feature.what()).find("causal") != std::string::npos);
  stage.session.handle(EndCaseRequest{});

  Problem half = small_problem();
  half.dtype = Dtype::fp16;
  stage.session.handle(BeginCaseRequest{half, 1});
  const CallFailure dtype = failure_in([&] { stage.session.handle(PrepareRequest{"t", {}}); });
  CHECK(std::string(dtype.what()).find("fp16") != std::string::npos);
}

TEST_CASE("tensors that do not fit are init_failed before memory is touched", "[worker]") {
  Stage stage;
  stage.open_provider();
  Problem huge = small_problem();
  huge.seqlen_q = huge.seqlen_kv = (int64_t{1} << 31) - 1;
  huge.heads = huge.kv_heads = int64_t{1} << 16;
  const CallFailure failure = failure_in([&] { stage.session.handle(BeginCaseRequest{huge, 1}); });
  CHECK(failure.outcome == Outcome::init_failed);
  CHECK(failure.detail == "tensors-too-large");
  CHECK(std::string(failure.what()).find("bytes") != std::string::npos);
  stage.session.handle(BeginCaseRequest{small_problem(), 1});  // and the worker lives on
}

TEST_CASE("one run sees poisoned outputs and workspace, and the variant asked for", "[worker]") {
  const Problem problem = small_problem();
  Stage stage;
  stage.prepare(problem);
  for (const int variant : {0, 1, 1, 0}) {
    stage.session.handle(RunOnceRequest{"t", variant});
    const Testimony seen = stage.testimony();
    CHECK(seen.output_was_poisoned);
    CHECK(seen.workspace_was_poisoned);
    CHECK(seen.input == first_input(problem, Role::q, variant));
  }
  CHECK(stage.testimony().calls == 4);
}

TEST_CASE("mode bwd runs the provider's forward once for each switch of inputs", "[worker]") {
  Stage stage;
  stage.prepare(small_problem(Mode::bwd));
  stage.session.handle(RunOnceRequest{"t", 0});
  CHECK(stage.testimony("dq").input == 1.0f);  // the forward's first call wrote O
  stage.session.handle(RunOnceRequest{"t", 0});
  CHECK(stage.testimony("dq").input == 1.0f);
  stage.session.handle(RunOnceRequest{"t", 1});
  CHECK(stage.testimony("dq").input == 2.0f);
  CHECK(stage.testimony("dq").calls == 3);
  CHECK(stage.testimony("o").input == first_input(small_problem(), Role::q, 1));
}

TEST_CASE("mode bwd never hands one trial the forward of another", "[worker]") {
  Stage stage;
  stage.prepare(small_problem(Mode::bwd));
  stage.session.handle(PrepareRequest{"other", {}});
  stage.session.handle(RunOnceRequest{"t", 0});
  stage.session.handle(RunOnceRequest{"other", 0});
  stage.session.handle(RunOnceRequest{"t", 0});
  CHECK(stage.testimony("dq").input == 2.0f);  // its own forward, again
}

TEST_CASE("mode fwd_bwd runs both passes, forward first, every time", "[worker]") {
  Stage stage;
  stage.prepare(small_problem(Mode::fwd_bwd));
  stage.session.handle(RunOnceRequest{"t", 0});
  stage.session.handle(RunOnceRequest{"t", 0});
  CHECK(stage.testimony("o").calls == 2);
  CHECK(stage.testimony("o").output_was_poisoned);
  CHECK(stage.testimony("dq").calls == 2);
  CHECK(stage.testimony("dq").input == 2.0f);
}

TEST_CASE("a real provider's rows and sums can be asked for", "[worker]") {
  Problem problem = small_problem(Mode::bwd);
  problem.dtype = Dtype::fp16;
  problem.kv_heads = 1;
  problem.layout = Layout::bhsd;
  problem.bias = Bias::one_h;
  problem.causal = Causal::bottom_right;
  Stage stage;
  stage.open_provider(CPU_REFERENCE, "cpu_reference");
  stage.session.handle(BeginCaseRequest{problem, 11});
  stage.session.handle(PrepareRequest{"t", {}});
  stage.session.handle(RunOnceRequest{"t", 1});

  // Row 0 sees key 0 alone: O is V's row 0, LSE is finite.
  const std::vector<float> rows = numbers<float>(
      stage.session.handle(RowsRequest{"t", {{"o", 0, 1, 0}, {"v", 0, 0, 0}, {"lse", 0, 1, 0}}}));
  REQUIRE(rows.size() == 17);
  for (size_t i = 0; i < 8; ++i) CHECK(rows[i] == Approx(rows[8 + i]).margin(2e-3));
  CHECK(std::isfinite(rows[16]));

  // sum_j dV_j = sum_i dO_i over the group.
  std::vector<RowAddress> all;
  for (int64_t head = 0; head < 2; ++head) {
    for (int64_t i = 0; i < 16; ++i) all.push_back({"do", 0, head, i});
  }
  const std::vector<float> d_o = numbers<float>(stage.session.handle(RowsRequest{"t", all}));
  const std::vector<double> sums = numbers<double>(stage.session.handle(SumsRequest{"t", "dv"}));
  REQUIRE(sums.size() == 8);
  for (size_t column = 0; column < 8; ++column) {
    double expected = 0.0;
    for (size_t row = 0; row < 32; ++row) expected += static_cast<double>(d_o[row * 8 + column]);
    CHECK(sums[column] == Approx(expected).margin(0.05));
  }
}

TEST_CASE("rows that are not there are refused", "[worker]") {
  Stage stage;
  stage.prepare(small_problem());
  const auto detail_of = [&](const RowAddress& row) {
    return failure_in([&] { stage.session.handle(RowsRequest{"t", {row}}); }).detail;
  };
  CHECK(detail_of({"dq", 0, 0, 0}) == "bad-rows-request");
  CHECK(detail_of({"nonsense", 0, 0, 0}) == "bad-rows-request");
  CHECK(detail_of({"o", 0, 2, 0}) == "bad-rows-request");
  CHECK(detail_of({"o", 0, 0, 16}) == "bad-rows-request");
  CHECK(detail_of({"lse", 0, 0, -1}) == "bad-rows-request");
}
