// One Wire<Message> a struct: its name on the wire and its fields, listed once for both directions.
// Reading is strict, since the other side may be a process whose memory a provider has trampled on:
// a missing key, a wrong type or a number out of range is a ProtocolError, never a default.
#include "protocol/messages.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace attnbench {
namespace {

template <typename Message>
struct Wire;

class Writer;
class Reader;

// Types that the model knows how to turn into JSON.
Json encoded(const Problem& problem) {
  return to_json(problem);
}
Json encoded(const Options& options) {
  return to_json(options);
}
Json encoded(const ProviderInfo& info) {
  return to_json(info);
}
Json encoded(Phase phase) {
  return enum_to_text(kPhases, phase);
}
Json encoded(Protocol protocol) {
  return enum_to_text(kProtocols, protocol);
}
Json encoded(Outcome outcome) {
  return to_text(outcome);
}
Json encoded(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}
template <typename Value>
requires std::is_arithmetic_v<Value> || std::is_same_v<Value, std::string> Json
encoded(const Value& value) {
  return value;
}
template <typename Message>
requires requires {
  Wire<Message>::name;
}
Json encoded(const Message& message);
template <typename Value>
Json encoded(const std::vector<Value>& values) {
  Json array = Json::array();
  for (const Value& value : values) array.push_back(encoded(value));
  return array;
}

[[noreturn]] void refuse(const Json& json, std::string_view wanted) {
  throw ProtocolError(fmt::format("{} is no {}", json.dump().substr(0, 80), wanted));
}

void decode(const Json& json, Problem& problem) {
  problem = problem_from_json(json);
}
void decode(const Json& json, Options& options) {
  options = options_from_json(json);
}
void decode(const Json& json, ProviderInfo& info) {
  info = provider_info_from_json(json);
}
void decode(const Json& json, std::string& text) {
  if (!json.is_string()) refuse(json, "text");
  text = json.get<std::string>();
}
void decode(const Json& json, bool& value) {
  if (!json.is_boolean()) refuse(json, "truth value");
  value = json.get<bool>();
}
void decode(const Json& json, double& value) {
  if (!json.is_number()) refuse(json, "number");
  value = json.get<double>();
}
void decode(const Json& json, std::optional<double>& value) {
  value.reset();
  if (!json.is_null()) decode(json, value.emplace());
}
template <typename Integer>
requires std::is_integral_v<Integer>
void decode(const Json& json, Integer& value) {
  if (!json.is_number_integer()) refuse(json, "integer");
  const bool fits = json.is_number_unsigned() ? std::in_range<Integer>(json.get<uint64_t>())
                                              : std::in_range<Integer>(json.get<int64_t>());
  if (!fits) refuse(json, "integer of the field's range");
  value = json.get<Integer>();
}
void decode(const Json& json, Phase& phase) {
  std::string text;
  decode(json, text);
  const std::optional<Phase> found = enum_from_text(kPhases, text);
  if (!found) refuse(json, "phase");
  phase = *found;
}
void decode(const Json& json, Protocol& protocol) {
  std::string text;
  decode(json, text);
  const std::optional<Protocol> found = enum_from_text(kProtocols, text);
  if (!found) refuse(json, "protocol");
  protocol = *found;
}
void decode(const Json& json, Outcome& outcome) {
  std::string text;
  decode(json, text);
  outcome = outcome_from_text(text);
}
template <typename Message>
requires requires {
  Wire<Message>::name;
}
void decode(const Json& json, Message& message);
template <typename Value>
void decode(const Json& json, std::vector<Value>& values) {
  if (!json.is_array()) refuse(json, "array");
  values.clear();
  for (const Json& element : json) decode(element, values.emplace_back());
}

class Writer {
 public:
  template <typename Value>
  void operator()(const char* key, const Value& value) {
    json[key] = encoded(value);
  }
  Json json = Json::object();
};

class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {
    if (!json.is_object()) refuse(json, "object");
  }
  template <typename Value>
  void operator()(const char* key, Value& value) {
    const Json::const_iterator found = json_.find(key);
    if (found == json_.end()) throw ProtocolError(fmt::format("the key \"{}\" is missing", key));
    decode(*found, value);
  }

 private:
  const Json& json_;
};

#define ATTNBENCH_WIRE(Type, text)                        \
  template <>                                             \
  struct Wire<Type> {                                     \
    static constexpr std::string_view name = text;        \
    template <typename Archive, typename Message>         \
    static void fields(Archive& field, Message& message); \
  };                                                      \
  template <typename Archive, typename Message>           \
  void Wire<Type>::fields([[maybe_unused]] Archive& field, [[maybe_unused]] Message& message)

ATTNBENCH_WIRE(HelloRequest, "hello") {
  field("protocol_version", message.protocol_version);
}
ATTNBENCH_WIRE(DescribeRequest, "describe") {
  field("path", message.path);
  field("devices", message.devices);
}
ATTNBENCH_WIRE(InspectRequest, "inspect") {}
ATTNBENCH_WIRE(OpenRequest, "open") {
  field("path", message.path);
  field("provider", message.provider);
  field("device", message.device);
  field("cache_dir", message.cache_dir);
  field("threads", message.threads);
}
ATTNBENCH_WIRE(BeginCaseRequest, "begin_case") {
  field("problem", message.problem);
  field("seed", message.seed);
}
ATTNBENCH_WIRE(PrepareRequest, "prepare") {
  field("trial_id", message.trial_id);
  field("options", message.options);
}
ATTNBENCH_WIRE(RunOnceRequest, "run_once") {
  field("trial_id", message.trial_id);
  field("variant", message.variant);
}
ATTNBENCH_WIRE(RowAddress, "row") {
  field("role", message.role);
  field("batch", message.batch);
  field("head", message.head);
  field("index", message.index);
}
ATTNBENCH_WIRE(RowsRequest, "rows") {
  field("trial_id", message.trial_id);
  field("rows", message.rows);
}
ATTNBENCH_WIRE(SumsRequest, "sums") {
  field("trial_id", message.trial_id);
  field("role", message.role);
}
ATTNBENCH_WIRE(BurstRequest, "burst") {
  field("trial_id", message.trial_id);
  field("warmup_calls", message.warmup_calls);
  field("warmup_ms", message.warmup_ms);
  field("max_samples", message.max_samples);
  field("min_total_ms", message.min_total_ms);
  field("min_sample_ms", message.min_sample_ms);
  field("cold_cache", message.cold_cache);
  field("first_variant", message.first_variant);
  field("switch_before", message.switch_before);
  field("protocol", message.protocol);
}
ATTNBENCH_WIRE(CheckRequest, "check") {
  field("trial_id", message.trial_id);
}
ATTNBENCH_WIRE(ReleaseRequest, "release") {
  field("trial_id", message.trial_id);
}
ATTNBENCH_WIRE(EndCaseRequest, "end_case") {}
ATTNBENCH_WIRE(ContractRequest, "contract") {
  field("path", message.path);
  field("provider", message.provider);
  field("device", message.device);
  field("cache_dir", message.cache_dir);
  field("group", message.group);
  field("problem", message.problem);
}
ATTNBENCH_WIRE(ByeRequest, "bye") {}

ATTNBENCH_WIRE(Failure, "failure") {
  field("phase", message.phase);
  field("status", message.status);
  field("detail", message.detail);
  field("outcome", message.outcome);
  field("message", message.message);
  field("native_domain", message.native_domain);
  field("native_code", message.native_code);
  field("is_poisoned", message.is_poisoned);
}
ATTNBENCH_WIRE(HelloReply, "hello_reply") {
  field("protocol_version", message.protocol_version);
  field("pid", message.pid);
}
ATTNBENCH_WIRE(DescribeReply, "describe_reply") {
  field("providers", message.providers);
}
ATTNBENCH_WIRE(GpuProcess, "gpu_process") {
  field("pid", message.pid);
  field("name", message.name);
  field("memory_bytes", message.memory_bytes);
}
ATTNBENCH_WIRE(GpuInspection, "gpu") {
  field("device", message.device);
  field("name", message.name);
  field("compute_capability", message.compute_capability);
  field("memory_bytes", message.memory_bytes);
  field("nvml_trouble", message.nvml_trouble);
  field("used_bytes", message.used_bytes);
  field("sm_clock_mhz", message.sm_clock_mhz);
  field("max_sm_clock_mhz", message.max_sm_clock_mhz);
  field("memory_clock_mhz", message.memory_clock_mhz);
  field("temperature_c", message.temperature_c);
  field("power_w", message.power_w);
  field("power_limit_w", message.power_limit_w);
  field("throttle_reasons", message.throttle_reasons);
  field("persistence", message.persistence);
  field("busy_percent", message.busy_percent);
  field("processes", message.processes);
}
ATTNBENCH_WIRE(LibraryInspection, "library") {
  field("name", message.name);
  field("file", message.file);
  field("path", message.path);
  field("version", message.version);
  field("trouble", message.trouble);
}
ATTNBENCH_WIRE(Inspection, "inspection") {
  field("driver_trouble", message.driver_trouble);
  field("nvml_trouble", message.nvml_trouble);
  field("driver_version", message.driver_version);
  field("cuda_version", message.cuda_version);
  field("gpus", message.gpus);
  field("libraries", message.libraries);
}
ATTNBENCH_WIRE(InspectReply, "inspect_reply") {
  field("inspection", message.inspection);
}
ATTNBENCH_WIRE(DeviceFacts, "device") {
  field("device", message.device);
  field("name", message.name);
  field("driver_version", message.driver_version);
  field("memory_bytes", message.memory_bytes);
  field("free_bytes", message.free_bytes);
  field("cache_bytes", message.cache_bytes);
  field("threads", message.threads);
  field("peak_tflops_fp32", message.peak_tflops_fp32);
  field("peak_tflops_16bit", message.peak_tflops_16bit);
  field("peak_tflops_one_thread", message.peak_tflops_one_thread);
  field("peak_gbps", message.peak_gbps);
}
ATTNBENCH_WIRE(OpenReply, "open_reply") {
  field("device", message.device);
}
ATTNBENCH_WIRE(BeginCaseReply, "begin_case_reply") {
  field("tensor_bytes", message.tensor_bytes);
}
ATTNBENCH_WIRE(KernelInfo, "kernel") {
  field("name", message.name);
  field("regs_per_thread", message.regs_per_thread);
  field("spill_bytes", message.spill_bytes);
  field("smem_bytes", message.smem_bytes);
  field("grid", message.grid);
  field("block", message.block);
  field("cluster", message.cluster);
}
ATTNBENCH_WIRE(PlanFacts, "plan") {
  field("resolved_options", message.resolved_options);
  field("workspace_bytes", message.workspace_bytes);
  field("graph_safe", message.graph_safe);
  field("deterministic", message.deterministic);
  field("kernels", message.kernels);
}
ATTNBENCH_WIRE(PrepareReply, "prepare_reply") {
  field("prepare_ms", message.prepare_ms);
  field("plan", message.plan);
}
ATTNBENCH_WIRE(RunOnceReply, "run_once_reply") {
  field("elapsed_ms", message.elapsed_ms);
}
ATTNBENCH_WIRE(BurstReply, "burst_reply") {
  field("samples_ms", message.samples_ms);
  field("calls_per_sample", message.calls_per_sample);
  field("warmup_calls", message.warmup_calls);
  field("busy_ms", message.busy_ms);
  field("last_variant", message.last_variant);
  field("state_json", message.state_json);
}
ATTNBENCH_WIRE(CheckReply, "check_reply") {
  field("guard_violations", message.guard_violations);
  field("changed_inputs", message.changed_inputs);
  field("late_write", message.late_write);
  field("leaked_bytes", message.leaked_bytes);
}
ATTNBENCH_WIRE(CallFact, "call") {
  field("what", message.what);
  field("status", message.status);
  field("message", message.message);
  field("elapsed_ms", message.elapsed_ms);
}
ATTNBENCH_WIRE(PromiseFact, "promise") {
  field("what", message.what);
  field("is_kept", message.is_kept);
}
ATTNBENCH_WIRE(ContractReply, "contract_reply") {
  field("calls", message.calls);
  field("promises", message.promises);
  field("inapplicable", message.inapplicable);
}
ATTNBENCH_WIRE(Done, "done") {}
ATTNBENCH_WIRE(PhaseEvent, "phase") {
  field("phase", message.phase);
}
ATTNBENCH_WIRE(LogEvent, "log") {
  field("level", message.level);
  field("text", message.text);
}
#undef ATTNBENCH_WIRE

template <typename Message>
requires requires {
  Wire<Message>::name;
}
Json encoded(const Message& message) {
  Writer writer;
  Wire<Message>::fields(writer, message);
  return std::move(writer.json);
}

template <typename Message>
requires requires {
  Wire<Message>::name;
}
void decode(const Json& json, Message& message) {
  Reader reader(json);
  Wire<Message>::fields(reader, message);
}

// A provider's message may hold any bytes; they must not break the reply that carries them.
std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

template <typename Message>
Frame to_frame(const Message& message, uint64_t sequence, std::vector<std::byte> payload) {
  Json envelope;
  envelope["message"] = Wire<Message>::name;
  envelope["sequence"] = sequence;
  envelope["body"] = encoded(message);
  return {dumped(envelope), std::move(payload)};
}

Envelope open_frame(Frame frame) {
  try {
    const Json json = parse_json(frame.json, "a frame");
    Envelope envelope;
    Reader field(json);
    field("message", envelope.name);
    field("sequence", envelope.sequence);
    envelope.body_json = dumped(json.at("body"));
    envelope.payload = std::move(frame.payload);
    return envelope;
  } catch (const Error& error) {
    throw ProtocolError(error.line());
  } catch (const Json::exception& error) {
    throw ProtocolError(fmt::format("a frame is no envelope: {}", error.what()));
  }
}

template <typename Message>
std::string_view name_of() {
  return Wire<Message>::name;
}

template <typename Message>
Message message_from(const Envelope& envelope) {
  if (envelope.name != Wire<Message>::name) {
    throw ProtocolError(
        fmt::format("expected \"{}\", got \"{}\"", Wire<Message>::name, envelope.name));
  }
  try {
    Message message;
    decode(Json::parse(envelope.body_json), message);
    return message;
  } catch (const Error& error) {
    throw ProtocolError(fmt::format("{}: {}", envelope.name, error.line()));
  } catch (const Json::exception& error) {
    throw ProtocolError(fmt::format("{}: {}", envelope.name, error.what()));
  } catch (const ProtocolError& error) {
    throw ProtocolError(fmt::format("{}: {}", envelope.name, error.what()));
  }
}

#define ATTNBENCH_INSTANTIATE(Type)                                             \
  template Frame to_frame<Type>(const Type&, uint64_t, std::vector<std::byte>); \
  template std::string_view name_of<Type>();                                    \
  template Type message_from<Type>(const Envelope&);

ATTNBENCH_INSTANTIATE(HelloRequest)
ATTNBENCH_INSTANTIATE(DescribeRequest)
ATTNBENCH_INSTANTIATE(InspectRequest)
ATTNBENCH_INSTANTIATE(OpenRequest)
ATTNBENCH_INSTANTIATE(BeginCaseRequest)
ATTNBENCH_INSTANTIATE(PrepareRequest)
ATTNBENCH_INSTANTIATE(RunOnceRequest)
ATTNBENCH_INSTANTIATE(RowsRequest)
ATTNBENCH_INSTANTIATE(SumsRequest)
ATTNBENCH_INSTANTIATE(BurstRequest)
ATTNBENCH_INSTANTIATE(CheckRequest)
ATTNBENCH_INSTANTIATE(ReleaseRequest)
ATTNBENCH_INSTANTIATE(EndCaseRequest)
ATTNBENCH_INSTANTIATE(ContractRequest)
ATTNBENCH_INSTANTIATE(ByeRequest)
ATTNBENCH_INSTANTIATE(Failure)
ATTNBENCH_INSTANTIATE(HelloReply)
ATTNBENCH_INSTANTIATE(DescribeReply)
ATTNBENCH_INSTANTIATE(InspectReply)
ATTNBENCH_INSTANTIATE(OpenReply)
ATTNBENCH_INSTANTIATE(BeginCaseReply)
ATTNBENCH_INSTANTIATE(PrepareReply)
ATTNBENCH_INSTANTIATE(RunOnceReply)
ATTNBENCH_INSTANTIATE(BurstReply)
ATTNBENCH_INSTANTIATE(CheckReply)
ATTNBENCH_INSTANTIATE(ContractReply)
ATTNBENCH_INSTANTIATE(Done)
ATTNBENCH_INSTANTIATE(PhaseEvent)
ATTNBENCH_INSTANTIATE(LogEvent)
#undef ATTNBENCH_INSTANTIATE

}  // namespace attnbench
