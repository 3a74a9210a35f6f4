#include "protocol/messages.h"

#include <nlohmann/json.hpp>

#include "support/catch.h"

using namespace attnbench;

namespace {

// Over the wire and back.
template <typename Message>
Message sent(const Message& message) {
  return message_from<Message>(open_frame(to_frame(message, 7)));
}

Envelope envelope_with(const std::string& name, const std::string& body) {
  return open_frame({R"({"message":")" + name + R"(","sequence":1,"body":)" + body + "}", {}});
}

Problem odd_problem() {
  Problem problem;
  problem.mode = Mode::fwd_bwd;
  problem.dtype = Dtype::bf16;
  problem.heads = 4;
  problem.kv_heads = 2;
  problem.seqlen_q = 129;
  problem.seqlen_kv = 255;
  problem.layout = Layout::bhsd;
  problem.causal = Causal::bottom_right;
  problem.bias = Bias::one_h;
  problem.scale = 0.1;
  problem.inputs.bias_low_fraction = 0.5;
  return problem;
}

}  // namespace

TEST_CASE("an envelope keeps name, sequence and payload", "[protocol]") {
  const std::vector<std::byte> payload = {std::byte{1}, std::byte{2}};
  const Envelope envelope = open_frame(to_frame(Done{}, 42, payload));
  CHECK(envelope.name == "done");
  CHECK(envelope.sequence == 42);
  CHECK(envelope.payload == payload);
}

TEST_CASE("requests survive the wire", "[protocol]") {
  const BeginCaseRequest begin = sent(BeginCaseRequest{odd_problem(), ~uint64_t{0}});
  CHECK(begin.problem == odd_problem());
  CHECK(begin.seed == ~uint64_t{0});

  const Options options = {{"block_q", int64_t{128}}, {"slope", 0.5}, {"kind", std::string("x")}};
  CHECK(sent(PrepareRequest{"t1", options}).options == options);

  const BurstRequest burst = sent(
      BurstRequest{"t1", 5, 2.5, 16, 20.0, 1.0, false, 1, {3, 9}, Protocol::do_bench_cudagraph});
  CHECK(burst.trial_id == "t1");
  CHECK(burst.warmup_calls == 5);
  CHECK(burst.warmup_ms == 2.5);
  CHECK(burst.max_samples == 16);
  CHECK(burst.min_total_ms == 20.0);
  CHECK(burst.min_sample_ms == 1.0);
  CHECK_FALSE(burst.cold_cache);
  CHECK(burst.first_variant == 1);
  CHECK(burst.switch_before == std::vector<int>{3, 9});
  CHECK(burst.protocol == Protocol::do_bench_cudagraph);

  const RowsRequest rows = sent(RowsRequest{"t1", {{"o", 1, 2, 3}, {"lse", 4, 5, 6}}});
  REQUIRE(rows.rows.size() == 2);
  CHECK(rows.rows[1].role == "lse");
  CHECK(rows.rows[1].index == 6);

  const OpenRequest open = sent(OpenRequest{"/p.so", "p", "cpu", "/cache", 2});
  CHECK(open.cache_dir == "/cache");
  CHECK(open.threads == 2);
  CHECK(sent(DescribeRequest{"/p.so", {"cpu", "cuda:0"}}).devices.size() == 2);
}

TEST_CASE("replies survive the wire", "[protocol]") {
  PrepareReply prepare;
  prepare.prepare_ms = 12.5;
  prepare.plan.resolved_options = {{"block_q", int64_t{64}}};
  prepare.plan.workspace_bytes = uint64_t{1} << 40;
  prepare.plan.deterministic = true;
  prepare.plan.kernels = {{"kernel", 168, 8, 99 * 1024, {4, 5, 6}, {128, 1, 1}, {2, 1, 1}}};
  const PlanFacts plan = sent(prepare).plan;
  CHECK(plan.workspace_bytes == uint64_t{1} << 40);
  CHECK(plan.deterministic);
  CHECK_FALSE(plan.graph_safe);
  CHECK(plan.resolved_options == prepare.plan.resolved_options);
  REQUIRE(plan.kernels.size() == 1);
  CHECK(plan.kernels[0].regs_per_thread == 168);
  CHECK(plan.kernels[0].grid == std::vector<int64_t>{4, 5, 6});

  OpenReply open;
  open.device.name = "Some CPU";
  open.device.peak_tflops_fp32 = 0.3;
  CHECK(sent(open).device.peak_tflops_fp32 == 0.3);
  open.device.peak_tflops_one_thread = 0.2;
  CHECK(sent(open).device.peak_tflops_one_thread == 0.2);
  CHECK_FALSE(sent(open).device.peak_gbps);

  const CheckReply check = sent(CheckReply{{"o: 16 bytes"}, {"q"}, true, -5});
  CHECK(check.guard_violations == std::vector<std::string>{"o: 16 bytes"});
  CHECK(check.late_write);
  CHECK(check.leaked_bytes == -5);

  const ContractRequest contract =
      sent(ContractRequest{"/p.so", "p", "cpu", "/cache", "null", odd_problem()});
  CHECK(contract.group == "null");
  CHECK(contract.problem == odd_problem());
  const ContractReply facts =
      sent(ContractReply{{{"supports with NULL", 2000, "why", 0.5}}, {{"it is so", true}}, "no"});
  CHECK(facts.calls.at(0).what == "supports with NULL");
  CHECK(facts.calls.at(0).status == 2000);
  CHECK(facts.promises.at(0).is_kept);
  CHECK(facts.inapplicable == "no");
  GpuInspection gpu;
  gpu.device = "cuda:0";
  gpu.throttle_reasons = {"sw_power_cap"};
  gpu.processes = {{4711, "python3", 5}};
  Inspection inspection;
  inspection.driver_version = "580.95.05";
  inspection.gpus = {gpu};
  inspection.libraries = {{"cuDNN", "libcudnn.so.9", "/lib/libcudnn.so.9", "9.19.0", ""}};
  const Inspection seen = sent(InspectReply{inspection}).inspection;
  CHECK(seen.driver_version == "580.95.05");
  CHECK(seen.gpus.at(0).processes.at(0).pid == 4711);
  CHECK(seen.gpus.at(0).throttle_reasons == gpu.throttle_reasons);
  CHECK(seen.libraries.at(0).version == "9.19.0");

  ProviderInfo info;
  info.id = "p";
  info.state = LibraryState::bad_table;
  info.reason = "why";
  CHECK(sent(DescribeReply{{info}}).providers.at(0).reason == "why");
  CHECK(sent(BurstReply{{1.5, 2.5}, 3, 4, 5.0, 1, "{}"}).samples_ms ==
        std::vector<double>{1.5, 2.5});
}

TEST_CASE("a failure whose message is no UTF-8 still arrives", "[protocol]") {
  Failure failure;
  failure.phase = Phase::plan_create;
  failure.outcome = Outcome::compile_failed;
  failure.status = 5001;
  failure.message = "bad \xff byte";
  failure.is_poisoned = true;
  const Failure arrived = sent(failure);
  CHECK(arrived.phase == Phase::plan_create);
  CHECK(arrived.outcome == Outcome::compile_failed);
  CHECK(arrived.status == 5001);
  CHECK(arrived.is_poisoned);
  CHECK(arrived.message.substr(0, 4) == "bad ");
}

TEST_CASE("what is no message is a ProtocolError, never a default", "[protocol]") {
  CHECK_THROWS_AS(open_frame({"nonsense", {}}), ProtocolError);
  CHECK_THROWS_AS(open_frame({"[1,2]", {}}), ProtocolError);
  CHECK_THROWS_AS(open_frame({std::string(1000000, '['), {}}), ProtocolError);
  CHECK_THROWS_AS(open_frame({R"({"message":"done","sequence":1})", {}}), ProtocolError);
  CHECK_THROWS_AS(open_frame({R"({"message":"done","sequence":-1,"body":{}})", {}}), ProtocolError);

  CHECK_THROWS_AS(message_from<Done>(envelope_with("bye", "{}")), ProtocolError);
  CHECK_THROWS_AS(message_from<SumsRequest>(envelope_with("sums", R"({"trial_id":"t"})")),
                  ProtocolError);
  CHECK_THROWS_AS(message_from<SumsRequest>(envelope_with("sums", R"({"trial_id":"t","role":3})")),
                  ProtocolError);
  CHECK_THROWS_AS(message_from<PhaseEvent>(envelope_with("phase", R"({"phase":"lunch"})")),
                  ProtocolError);
  CHECK_THROWS_AS(
      message_from<HelloRequest>(envelope_with("hello", R"({"protocol_version":4294967297})")),
      ProtocolError);
}
