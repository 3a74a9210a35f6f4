// What host and worker say to each other. The host asks, one request at a time; the worker answers
// each with exactly one reply, and before each risky provider call sends an event that names the
// phase it enters, so that a death or a hang is blamed on the right call and gets that phase's
// deadline.
//
// Life of a worker: hello, then either describe, or inspect, or open -> (begin_case -> (prepare ->
// run_once, rows, sums, burst..., check -> release)* -> end_case)* -> bye. Several trials of one
// case may be prepared at once; they share the case's tensors. Decisions are the host's: a reply
// carries facts.
//
// Each struct turns into one JSON object; the fields here are the keys there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/device_facts.h"
#include "model/inspection.h"
#include "model/provider_info.h"
#include "model/record.h"
#include "model/settings.h"
#include "protocol/frame.h"

namespace attnbench {

inline constexpr int kProtocolVersion = 1;

// The risky stretches of a worker's life; deadlines belong to phases (supervise/deadlines.h).
enum class Phase {
  idle,
  start,
  load,
  probe,
  create,
  allocate,
  supports,
  plan_create,
  execute,
  plan_destroy,
  destroy,
  check
};
inline constexpr EnumText<Phase> kPhases[] = {
    {Phase::idle, "idle"},         {Phase::start, "start"},
    {Phase::load, "load"},         {Phase::probe, "probe"},
    {Phase::create, "create"},     {Phase::allocate, "allocate"},
    {Phase::supports, "supports"}, {Phase::plan_create, "plan_create"},
    {Phase::execute, "execute"},   {Phase::plan_destroy, "plan_destroy"},
    {Phase::destroy, "destroy"},   {Phase::check, "check"}};

// Requests
// -----------------------------------------------------------------------------------------
struct HelloRequest {
  int protocol_version = kProtocolVersion;
};
// Loads the library at `path` and reports every provider in it, without creating an instance.
struct DescribeRequest {
  std::string path;
  std::vector<std::string> devices;
};
// What is there of NVIDIA's software and GPUs; no provider is loaded.
struct InspectRequest {};
// Loads the library, probes and creates the instance on which everything else happens.
struct OpenRequest {
  std::string path, provider, device;
  std::string cache_dir;  // what host->config("cache_dir") answers
  int threads = 0;        // what host->config("threads") answers; 0: all of the allowed cpuset
};
// Allocates the tensors of a problem with guard bands and fills the inputs from (seed, variant 0).
struct BeginCaseRequest {
  Problem problem;
  uint64_t seed = 0;
};
struct PrepareRequest {
  std::string trial_id;
  Options options;
};
// Poisons the outputs with NaN and executes once, untimed, on inputs of `variant`. In mode bwd the
// provider's own forward runs first and leaves O and LSE, which can be asked for as rows too.
struct RunOnceRequest {
  std::string trial_id;
  int variant = 0;
};
struct RowAddress {
  std::string role;
  int64_t batch = 0, head = 0, index = 0;
};
// Rows of the tensors as they lie now. Payload: float32, rows in the order asked; an "lse" row is
// one number.
struct RowsRequest {
  std::string trial_id;
  std::vector<RowAddress> rows;
};
// Sums over the sequence axis of "dk" or "dv". Payload: float64 (batch, kv_heads, head_dim).
struct SumsRequest {
  std::string trial_id;
  std::string role;
};
struct BurstRequest {
  std::string trial_id;
  int warmup_calls = 0;        // executed before the first sample, untimed
  double warmup_ms = 0.0;      // at least this long, too
  int max_samples = 8;         // stop after so many samples
  double min_total_ms = 0.0;   // ... but not before this much timed work, up to 4x max_samples
  double min_sample_ms = 0.0;  // CPU: calls are batched into samples of at least this length
  bool cold_cache = true;      // evict the last-level cache before each sample
  int first_variant = 0;
  std::vector<int>
      switch_before;  // samples before which the inputs switch, in place, to the other variant
  Protocol protocol = Protocol::adaptive;  // the others heed `first_variant` and nothing else
};
struct CheckRequest {
  std::string trial_id;
};  // guard bands, inputs' hashes, late writes, memory
struct ReleaseRequest {
  std::string trial_id;
};
struct EndCaseRequest {};
// Puts one group of hostile or unusual calls to a provider, in a worker that does nothing else
// (`attnbench validate`; the groups are listed in worker/contract.cpp).
struct ContractRequest {
  std::string path, provider, device, cache_dir;
  std::string group;
  Problem problem;  // forward, taken by the provider: what the calls are variations of
};
struct ByeRequest {};

// Replies
// ------------------------------------------------------------------------------------------ A
// provider's refusal or failure, or the worker's own (then `detail` says so): any request may be
// answered by it.
struct Failure {
  Phase phase = Phase::idle;
  int status = 0;      // attn_status as returned; 0 where the worker itself failed
  std::string detail;  // the worker's own stable code ("late-write", "bad-plan-info"), else empty
  Outcome outcome = Outcome::internal_error;  // of status, or the worker's own verdict
  std::string message;
  int native_domain = 0, native_code = 0;
  bool is_poisoned = false;  // this worker must not be used again
};

struct HelloReply {
  int protocol_version = 0;
  int pid = 0;
};
// One row a provider; a broken library is one row with its state and reason. `path` and `sha256`
// are the host's to fill.
struct DescribeReply {
  std::vector<ProviderInfo> providers;
};
struct InspectReply {
  Inspection inspection;
};
struct OpenReply {
  DeviceFacts device;
};
struct BeginCaseReply {
  uint64_t tensor_bytes = 0;
};
struct PrepareReply {
  double prepare_ms = 0.0;
  PlanFacts plan;
};
struct RunOnceReply {
  double elapsed_ms = 0.0;
};  // wall time of the one call: an estimate, no result
struct BurstReply {
  std::vector<double> samples_ms;  // per call
  int calls_per_sample = 1;
  int warmup_calls = 0;
  double busy_ms = 0.0;  // from the start of its heat-up to the end of its last sample
  int last_variant = 0;  // inputs of the last timed call: what rows must be checked against
  std::string state_json = "{}";  // device state over the burst (clock, power, temperature, ...)
};
struct CheckReply {
  std::vector<std::string> guard_violations;  // "o: 16 bytes before the tensor were overwritten"
  std::vector<std::string> changed_inputs;    // roles whose bytes are not what was filled in
  bool late_write = false;                    // outputs changed after the pass had completed
  int64_t leaked_bytes = 0;                   // device memory above the figure after prepare
};
// A call to a provider, as it came back.
struct CallFact {
  std::string what;  // "supports with specs NULL"
  int status = 0;    // attn_status
  std::string message;
  double elapsed_ms = 0.0;
};
// Something else that the contract promises, and whether it was so.
struct PromiseFact {
  std::string what;  // "a failed create leaves NULL in *instance"
  bool is_kept = false;
};
struct ContractReply {
  std::vector<CallFact> calls;
  std::vector<PromiseFact> promises;
  std::string inapplicable;  // why there was nothing to ask, else empty
};
struct Done {};  // release, end_case, bye; rows and sums, whose numbers are the payload

// Events
// -------------------------------------------------------------------------------------------
struct PhaseEvent {
  Phase phase = Phase::idle;
};
struct LogEvent {
  int level = 1;
  std::string text;
};

// Wire names and conversions. A message of another name or shape is a ProtocolError.
template <typename Message>
Frame to_frame(const Message& message, uint64_t sequence, std::vector<std::byte> payload = {});

// What came in, its kind still to be looked at.
struct Envelope {
  std::string name;       // "prepare", "prepare_reply", "failure", "phase", "log", ...
  uint64_t sequence = 0;  // a reply repeats its request's
  std::string body_json;
  std::vector<std::byte> payload;
};
Envelope open_frame(Frame frame);
template <typename Message>
std::string_view name_of();
template <typename Message>
Message message_from(const Envelope& envelope);

}  // namespace attnbench
