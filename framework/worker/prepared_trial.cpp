#include "worker/prepared_trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/text.h"
#include "provider/call_failure.h"

namespace attnbench {
namespace {

// A page here and there belongs to allocators, not to leaks.
constexpr int64_t kTolerableGrowthBytes = 1 << 20;

// Long enough for a thread or a stream that a provider forgot to join.
constexpr std::chrono::milliseconds kLateWriteWait{20};

bool is_timed(Mode mode, Pass pass) {
  return mode == Mode::fwd_bwd || (mode == Mode::fwd) == (pass == Pass::fwd);
}

void add_once(std::vector<std::string>& texts, std::string text) {
  if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(std::move(text));
}

}  // namespace

PreparedTrial::PreparedTrial(Device& device, Instance& instance, CaseTensors& tensors,
                             const Options& options, Channel& channel)
    : device_(device), tensors_(tensors), channel_(channel) {
  const Mode mode = tensors.problem().mode;
  passes_.push_back(make_plan(instance, Pass::fwd, options));
  if (mode != Mode::fwd) passes_.push_back(make_plan(instance, Pass::bwd, options));
  for (PassPlan& pass : passes_) {
    allocate_workspace(pass);
    pass.execute_args =
        pass.arguments->execute_args(pass.workspace ? &*pass.workspace : nullptr, device_.stream());
    if (is_timed(mode, pass.name == "fwd" ? Pass::fwd : Pass::bwd)) {
      timed_.push_back({pass.plan.get(), pass.execute_args});
    }
  }
}

PreparedTrial::~PreparedTrial() {
  device_.synchronize();  // a plan is destroyed only when its work is done
  if (tensors_.has_forward_of(this)) tensors_.forget_forward();
  if (tensors_.was_written_by(this)) tensors_.keep_writer(nullptr);
}

PreparedTrial::PassPlan PreparedTrial::make_plan(Instance& instance, Pass pass,
                                                 const Options& options) {
  const bool wants_lse =
      tensors_.problem().mode != Mode::fwd || (instance.desc().features & ATTN_FEATURE_LSE) != 0;
  PassPlan made;
  made.name = pass == Pass::fwd ? "fwd" : "bwd";
  made.arguments =
      std::make_unique<PassArguments>(tensors_, pass, wants_lse, options, instance.desc());
  channel_.enter(Phase::supports);
  instance.check_support(made.arguments->plan_args());
  channel_.enter(Phase::plan_create);
  made.plan = std::make_unique<Plan>(instance, made.arguments->plan_args());
  return made;
}

void PreparedTrial::allocate_workspace(PassPlan& pass) {
  const uint64_t bytes = pass.plan->facts().workspace_bytes;
  if (bytes == 0) return;
  channel_.enter(Phase::allocate);
  try {
    pass.workspace = device_.allocate(bytes, pass.plan->workspace_alignment());
  } catch (const OutOfDeviceMemory& error) {
    throw CallFailure(Outcome::out_of_memory, "workspace-too-large",
                      fmt::format("the {} plan's workspace of {} bytes cannot be allocated: {}",
                                  pass.name, bytes, error.what()));
  }
  device_.poison(*pass.workspace);
}

PlanFacts PreparedTrial::facts() const {
  PlanFacts facts;
  facts.graph_safe = facts.deterministic = true;
  for (const PassPlan& pass : passes_) {
    const PlanFacts& more = pass.plan->facts();
    facts.workspace_bytes += more.workspace_bytes;
    const bool runs_timed = std::any_of(timed_.begin(), timed_.end(), [&](const Step& step) {
      return step.plan == pass.plan.get();
    });
    if (!runs_timed) continue;
    facts.resolved_options = more.resolved_options;
    facts.graph_safe = facts.graph_safe && more.graph_safe;
    facts.deterministic = facts.deterministic && more.deterministic;
    facts.kernels.insert(facts.kernels.end(), more.kernels.begin(), more.kernels.end());
  }
  return facts;
}

void PreparedTrial::use_variant(int variant) {
  if (variant != tensors_.variant()) {
    channel_.enter(Phase::allocate);
    tensors_.use_variant(variant);
  }
  if (tensors_.problem().mode == Mode::bwd && !tensors_.has_forward_of(this)) run_forward();
}

void PreparedTrial::run_forward() {
  const PassPlan& forward = passes_.front();
  tensors_.forget_forward();
  for (const Role role : forward.arguments->outputs()) device_.poison(tensors_.buffer(role));
  channel_.enter(Phase::execute);
  forward.plan->execute(forward.execute_args);
  device_.synchronize();
  tensors_.keep_forward(this);
}

void PreparedTrial::poison_outputs() {
  tensors_.keep_writer(nullptr);
  for (const Role role : outputs()) device_.poison(tensors_.buffer(role));
  for (const PassPlan& pass : passes_) {
    if (pass.workspace) device_.poison(*pass.workspace);
  }
}

std::vector<const Buffer*> PreparedTrial::buffers() const {
  std::vector<const Buffer*> all;
  for (const Role role : tensors_.roles()) all.push_back(&tensors_.buffer(role));
  for (const PassPlan& pass : passes_) {
    if (pass.workspace) all.push_back(&*pass.workspace);
  }
  return all;
}

std::vector<Role> PreparedTrial::outputs() const {
  std::vector<Role> roles;
  for (const PassPlan& pass : passes_) {
    const bool is_given = tensors_.problem().mode == Mode::bwd && pass.name == "fwd";
    if (is_given) continue;
    const std::vector<Role>& written = pass.arguments->outputs();
    roles.insert(roles.end(), written.begin(), written.end());
  }
  return roles;
}

void PreparedTrial::note_harm() {
  channel_.enter(Phase::check);
  const auto note_guards = [this](const std::string& owner, const Buffer& buffer) {
    const GuardDamage damage = device_.find_guard_damage(buffer);
    if (!damage.any()) return;
    const auto note_side = [&](uint64_t bytes, const char* side) {
      if (bytes == 0) return;
      add_once(guard_violations_,
               fmt::format("{}: {} bytes {} it were overwritten", owner, bytes, side));
    };
    note_side(damage.bytes_before, "before");
    note_side(damage.bytes_after, "after");
    device_.set_guards(buffer);
  };
  for (const Role role : tensors_.roles()) {
    note_guards(std::string(enum_to_text(kRoles, role)), tensors_.buffer(role));
  }
  for (const PassPlan& pass : passes_) {
    if (pass.workspace) note_guards(pass.name + " workspace", *pass.workspace);
  }
  for (const Role role : tensors_.repair_inputs()) {
    add_once(changed_inputs_, std::string(enum_to_text(kRoles, role)));
  }
}

std::vector<uint64_t> PreparedTrial::output_hashes() {
  std::vector<uint64_t> hashes;
  for (const Role role : outputs()) hashes.push_back(device_.hash(tensors_.buffer(role)));
  return hashes;
}

void PreparedTrial::note_outputs() {
  tensors_.keep_writer(this);
  noted_hashes_ = output_hashes();
  noted_at_ = std::chrono::steady_clock::now();
}

// Most of the wait has usually passed: another provider was measured in the meantime.
bool PreparedTrial::finds_late_write() {
  if (!tensors_.was_written_by(this)) note_outputs();  // no burst left these outputs
  std::this_thread::sleep_until(noted_at_ + kLateWriteWait);
  device_.synchronize();
  return output_hashes() != noted_hashes_;
}

void PreparedTrial::begin_memory_watch() {
  bytes_before_run_ = device_.bytes_in_use();
}

void PreparedTrial::end_memory_watch() {
  const uint64_t bytes_after_run = device_.bytes_in_use();
  // The first pass may still load code and start threads (provider.h, execute).
  if (has_run_) grown_bytes_ += static_cast<int64_t>(bytes_after_run - bytes_before_run_);
  has_run_ = true;
}

int64_t PreparedTrial::leaked_bytes() const {
  return grown_bytes_ > kTolerableGrowthBytes ? grown_bytes_ : 0;
}

}  // namespace attnbench
