#include "worker/contract_stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "device/open_device.h"

namespace attnbench {
namespace {

constexpr uint64_t kSeed = 1;
constexpr int64_t kRowsCompared = 8;

std::vector<int64_t> contiguous(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t axis = shape.size() - 1; axis > 0; --axis) {
    // Unsigned: huge problems are asked about on purpose, and their strides wrap.
    strides[axis - 1] = static_cast<int64_t>(static_cast<uint64_t>(strides[axis]) *
                                             static_cast<uint64_t>(shape[axis]));
  }
  return strides;
}

template <typename T>
std::vector<const T*> pointers_to(const std::vector<T>& values) {
  std::vector<const T*> pointers;
  for (const T& value : values) pointers.push_back(&value);
  return pointers;
}

}  // namespace

Question::Question(const attn_plan_args& from) : problem(*from.problem), args_(from) {
  for (uint32_t i = 0; i < from.num_specs; ++i) {
    const attn_tensor_spec& spec = *from.specs[i];
    specs.push_back(
        {spec, {spec.shape, spec.shape + spec.ndim}, {spec.strides, spec.strides + spec.ndim}});
  }
}

Question::Spec& Question::spec(int32_t role) {
  for (Spec& spec : specs) {
    if (spec.abi.role == role) return spec;
  }
  throw CallFailure(Outcome::internal_error, "no-such-role", "the case lacks a tensor");
}

void Question::reshape() {
  const attn_problem& p = problem;
  for (Spec& spec : specs) {
    switch (spec.abi.role) {
      case ATTN_ROLE_K:
        spec.shape = {p.batch, p.seqlen_kv, p.heads_kv, p.head_dim_qk};
        break;
      case ATTN_ROLE_V:
        spec.shape = {p.batch, p.seqlen_kv, p.heads_kv, p.head_dim_v};
        break;
      case ATTN_ROLE_LSE:
        spec.shape = {p.batch, p.heads_q, p.seqlen_q};
        break;
      case ATTN_ROLE_BIAS:
        spec.shape = {p.batch, p.heads_q, p.seqlen_q, p.seqlen_kv};
        break;
      case ATTN_ROLE_O:
        spec.shape = {p.batch, p.seqlen_q, p.heads_q, p.head_dim_v};
        break;
      default:
        spec.shape = {p.batch, p.seqlen_q, p.heads_q, p.head_dim_qk};
    }
    spec.strides = contiguous(spec.shape);
  }
}

void Question::add_option(const std::string& name, int32_t type, int64_t integer, double number,
                          const char* text) {
  attn_option option{};
  option.struct_size = ATTN_SIZE_TO(attn_option, string_value);
  option.type = type;
  option.name = names_.emplace_back(name).c_str();
  option.int_value = integer;
  option.float_value = number;
  if (text != nullptr) option.string_value = names_.emplace_back(text).c_str();
  options_.push_back(option);
}

const attn_plan_args& Question::args() {
  spec_pointers_.clear();
  for (Spec& spec : specs) {
    spec.abi.shape = spec.shape.data();
    spec.abi.strides = spec.strides.data();
    spec_pointers_.push_back(&spec.abi);
  }
  option_pointers_ = pointers_to(options_);
  args_.problem = &problem;
  args_.num_specs = static_cast<uint32_t>(specs.size());
  args_.specs = spec_pointers_.data();
  args_.num_options = static_cast<uint32_t>(options_.size());
  args_.options = option_pointers_.data();
  return args_;
}

PassQuestion::PassQuestion(const attn_execute_args& from) : abi(from) {
  for (uint32_t i = 0; i < from.num_bindings; ++i) bindings.push_back(*from.bindings[i]);
}

attn_binding& PassQuestion::binding(int32_t role) {
  for (attn_binding& binding : bindings) {
    if (binding.role == role) return binding;
  }
  throw CallFailure(Outcome::internal_error, "no-such-role", "the case lacks a tensor");
}

const attn_execute_args& PassQuestion::args() {
  pointers_ = pointers_to(bindings);
  abi.num_bindings = static_cast<uint32_t>(pointers_.size());
  abi.bindings = pointers_.data();
  return abi;
}

size_t entries_in(const char* directory) {
  std::error_code error;
  size_t count = 0;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    ++count;
  }
  return count;
}

uint64_t written_bytes() {
  std::ifstream counters("/proc/self/io");
  std::string name;
  uint64_t count = 0;
  while (counters >> name >> count) {
    if (name == "wchar:") return count;
  }
  return 0;
}

ContractStage::ContractStage(const ContractRequest& request, Channel& channel)
    : request_(request), channel_(channel) {
  channel_.enter(Phase::load);
  const int64_t threads = static_cast<int64_t>(entries_in("/proc/self/task"));
  const uint64_t written = written_bytes();
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  try {
    library_ = std::make_unique<ProviderLibrary>(request.path);
  } catch (const LibraryError& error) {
    throw CallFailure(Outcome::load_failed, "load-failed", error.what());
  }
  const std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - start;
  loading_ = {elapsed.count(), static_cast<int64_t>(entries_in("/proc/self/task")) - threads,
              written_bytes() - written};
  desc_ = library_->find(request.provider);
  if (desc_ == nullptr) {
    throw CallFailure(Outcome::load_failed, "no-such-provider",
                      fmt::format("{} holds no provider \"{}\"", request.path, request.provider));
  }
  std::map<std::string, std::string> settings = {{"threads", "2"}};
  if (!request.cache_dir.empty()) settings["cache_dir"] = request.cache_dir;
  host_ = std::make_unique<HostTable>(channel_, std::move(settings));
}

ContractStage::~ContractStage() {
  try {
    if (plan_ != nullptr) destroy(plan_);
    if (instance_ != nullptr) destroy(instance_);
  } catch (const DeviceError&) {  // a spoiled device: what spoiled it has been reported
  }
}

Device& ContractStage::device() {
  if (device_ == nullptr) {
    channel_.enter(Phase::allocate);
    device_ = open_device(request_.device);
  }
  return *device_;
}

attn_create_args ContractStage::create_args() {
  attn_create_args args{};
  args.struct_size = ATTN_SIZE_TO(attn_create_args, device);
  args.host = &host_->get();
  args.provider_id = desc_->id;
  args.device = &device().identity();
  return args;
}

CaseTensors& ContractStage::tensors() {
  if (tensors_ == nullptr) {
    channel_.enter(Phase::allocate);
    tensors_ = std::make_unique<CaseTensors>(device(), request_.problem, kSeed);
  }
  return *tensors_;
}

const attn_plan_args& ContractStage::plan_args() {
  if (arguments_ == nullptr) {
    const bool wants_lse = (desc_->features & ATTN_FEATURE_LSE) != 0;
    arguments_ =
        std::make_unique<PassArguments>(tensors(), Pass::fwd, wants_lse, Options{}, *desc_);
  }
  return arguments_->plan_args();
}

attn_instance* ContractStage::create() {
  channel_.enter(Phase::create);
  const attn_create_args args = create_args();
  attn_instance* made = nullptr;
  ErrorRecord error;
  error.throw_unless_ok(api().create(&args, &made, error.get()));
  return made;
}

attn_instance* ContractStage::instance() {
  if (instance_ == nullptr) instance_ = create();
  return instance_;
}

attn_plan* ContractStage::plan(attn_instance* instance, const attn_plan_args& args) {
  channel_.enter(Phase::plan_create);
  attn_plan* made = nullptr;
  ErrorRecord error;
  error.throw_unless_ok(api().plan_create(instance, &args, &made, error.get()));
  return made;
}

attn_plan* ContractStage::plan() {
  if (plan_ != nullptr) return plan_;
  plan_ = plan(instance(), plan_args());
  workspace_ = make_workspace(info(plan_));
  return plan_;
}

Buffer ContractStage::make_workspace(const attn_plan_info& info) {
  if (info.workspace_bytes == 0) return {};
  const uint64_t alignment = info.workspace_alignment == 0 ? 256 : info.workspace_alignment;
  Buffer workspace = device().allocate(info.workspace_bytes, alignment);
  device().poison(workspace);
  return workspace;
}

attn_plan_info ContractStage::info(attn_plan* plan) {
  channel_.enter(Phase::plan_create);
  attn_plan_info info{};
  info.struct_size = ATTN_SIZE_TO(attn_plan_info, kernels);
  ErrorRecord error;
  error.throw_unless_ok(api().plan_info(plan, &info, error.get()));
  return info;
}

attn_execute_args ContractStage::execute_args() {
  plan();
  return execute_args(workspace_);
}

attn_execute_args ContractStage::execute_args(const Buffer& workspace) {
  plan_args();
  return arguments_->execute_args(workspace.bytes() > 0 ? &workspace : nullptr, device().stream());
}

void ContractStage::execute(attn_plan* plan, const attn_execute_args& args) {
  poison_outputs();
  channel_.enter(Phase::execute);
  ErrorRecord error;
  error.throw_unless_ok(api().execute(plan, &args, error.get()));
  device().synchronize();
}

void ContractStage::destroy(attn_instance* instance) {
  channel_.enter(Phase::destroy);
  api().destroy(instance);
}

void ContractStage::destroy(attn_plan* plan) {
  device().synchronize();
  channel_.enter(Phase::plan_destroy);
  api().plan_destroy(plan);
}

void ContractStage::poison_outputs() {
  plan_args();
  for (const Role role : arguments_->outputs()) device().poison(tensors_->buffer(role));
}

bool ContractStage::outputs_are_untouched() {
  const std::vector<float> rows = output();
  return std::all_of(rows.begin(), rows.end(), [](float value) { return std::isnan(value); });
}

std::vector<float> ContractStage::output() {
  device().synchronize();
  const TensorLayout& layout = tensors().layout(Role::o);
  std::vector<int64_t> starts;
  for (int64_t i = 0; i < kRowsCompared; ++i) {
    const int64_t row = i * (request_.problem.seqlen_q - 1) / (kRowsCompared - 1);
    starts.push_back(layout.offset_of(0, i % request_.problem.heads, row));
  }
  return device().read_rows(tensors().buffer(Role::o), layout.dtype, starts, layout.row_length());
}

int64_t ContractStage::head_of_output(size_t element) const {
  const Problem& problem = request_.problem;
  return static_cast<int64_t>(element) / problem.head_dim % problem.heads;
}

bool ContractStage::is_close(const std::vector<float>& a, const std::vector<float>& b) {
  constexpr float kTolerance = 0.02f;  // of two roundings to bf16, not of two algorithms
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::abs(x - y) <= kTolerance * (1.0f + std::abs(y));
  });
}

}  // namespace attnbench
