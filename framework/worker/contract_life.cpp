// Facts about plans and instances over time, and about what calls leave behind in the process.
#include <fmt/format.h>
#include <unistd.h>
#include <csignal>

#include <clocale>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <utility>

#include "model/provider_info.h"
#include "provider/table.h"
#include "worker/contract_groups.h"
#include "worker/sanitized.h"

extern char** environ;

namespace attnbench {
namespace {

constexpr int kCycles = 50;
// Beyond these a cycle is dear (a kernel is compiled each time): fewer must do.
constexpr std::chrono::seconds kCyclesMayTake{10};

std::string text_of(const attn_option& option) {
  switch (option.type) {
    case ATTN_INT:
      return fmt::format("{}={}", option.name, option.int_value);
    case ATTN_FLOAT:
      return fmt::format("{}={}", option.name, option.float_value);
    default:
      return fmt::format("{}={}", option.name,
                         option.string_value == nullptr ? "" : option.string_value);
  }
}

std::string options_text(const attn_plan_info& info) {
  std::string text;
  for (uint32_t i = 0; i < info.num_options; ++i) text += " " + text_of(*info.options[i]);
  return text;
}

std::string text_of(const attn_plan_info& info) {
  return fmt::format("{} bytes aligned to {}, flags {}, {} kernels", info.workspace_bytes,
                     info.workspace_alignment, info.flags, info.num_kernels) +
         options_text(info);
}

// What rule 6 says that no call changes.
struct Surroundings {
  std::string environment, locale, directory;
  std::vector<void (*)(int)> handlers;
  bool operator==(const Surroundings&) const = default;
};

Surroundings surroundings() {
  Surroundings now;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    now.environment += std::string(*variable) + "\n";
  }
  now.locale = std::setlocale(LC_ALL, nullptr);
  now.directory = std::filesystem::current_path().string();
  for (int number = 1; number < SIGRTMIN; ++number) {
    struct sigaction action {};
    sigaction(number, nullptr, &action);
    now.handlers.push_back(action.sa_handler);
  }
  return now;
}

bool declares(const attn_provider_desc& desc, uint64_t feature) {
  return (desc.features & feature) != 0;
}

// Lengths and head_dims against each other, then one step in each other direction that is declared.
std::vector<Problem> grid_around(const Problem& base, const attn_provider_desc& desc) {
  std::vector<Problem> grid;
  const auto add = [&grid](Problem problem, auto change) {
    change(problem);
    grid.push_back(problem);
  };
  for (const int64_t head_dim : {40, 64, 128, 256}) {
    for (const auto& [seqlen_q, seqlen_kv] : {std::pair{1, 1}, {64, 64}, {33, 70}, {70, 33}}) {
      Problem problem = base;
      problem.seqlen_q = seqlen_q;
      problem.seqlen_kv = seqlen_kv;
      problem.head_dim = head_dim;
      grid.push_back(problem);
      if (!declares(desc, ATTN_FEATURE_CAUSAL)) continue;
      add(problem, [](Problem& p) { p.causal = Causal::bottom_right; });
    }
  }
  add(base, [](Problem& p) { p.layout = Layout::bhsd; });
  for (uint32_t i = 0; i < desc.num_dtypes; ++i) {
    const std::optional<Dtype> dtype = enum_from_text(kDtypes, dtype_name(desc.dtypes[i]));
    if (dtype) add(base, [&](Problem& p) { p.dtype = *dtype; });
  }
  for (const auto& [bias, name] : kBiases) {
    if (bias == Bias::none || !declares(desc, ATTN_FEATURE_BIAS)) continue;
    add(base, [value = bias](Problem& p) { p.bias = value; });
  }
  if (declares(desc, ATTN_FEATURE_GQA)) add(base, [](Problem& p) { p.kv_heads = 1; });
  if (!declares(desc, ATTN_FEATURE_BWD)) return grid;
  add(base, [](Problem& p) { p.mode = Mode::bwd; });
  add(grid.front(), [](Problem& p) { p.mode = Mode::bwd; });
  return grid;
}

// The better of two: a busy machine may take the processor away in the middle of one.
std::pair<attn_status, double> time_supports(ContractStage& stage, const attn_plan_args& args) {
  stage.channel().enter(Phase::supports);
  attn_status status = ATTN_OK;
  double best_ms = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 2; ++i) {
    ErrorRecord refusal;
    const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    status = stage.api().supports(stage.instance(), &args, refusal.get());
    const std::chrono::duration<double, std::milli> elapsed =
        std::chrono::steady_clock::now() - start;
    best_ms = std::min(best_ms, elapsed.count());
  }
  return {status, best_ms};
}

void execute_planned(ContractStage& stage, attn_plan* plan, const PassArguments& arguments,
                     const std::string& problem) {
  const Buffer workspace = stage.make_workspace(stage.info(plan));
  const attn_execute_args args =
      arguments.execute_args(workspace.bytes() > 0 ? &workspace : nullptr, stage.device().stream());
  stage.ask("execute of " + problem, Phase::execute,
            [&](attn_error* error) { return stage.api().execute(plan, &args, error); });
  stage.device().synchronize();  // the workspace goes
}

// Executes what was planned, too. Returns how long supports took, in ms.
double compare_supports_and_plan(ContractStage& stage, const Problem& problem) {
  const Pass pass = problem.has_backward() ? Pass::bwd : Pass::fwd;
  const CaseTensors tensors(stage.device(), problem, 1);
  const PassArguments arguments(tensors, pass, declares(stage.desc(), ATTN_FEATURE_LSE), Options{},
                                stage.desc());
  const auto [answer, elapsed_ms] = time_supports(stage, arguments.plan_args());
  attn_plan* plan = nullptr;
  ErrorRecord failure;
  stage.channel().enter(Phase::plan_create);
  const attn_status status =
      stage.api().plan_create(stage.instance(), &arguments.plan_args(), &plan, failure.get());
  const int of_class = ATTN_CLASS(status);
  stage.note(fmt::format("supports and plan_create agree on {}", to_text(problem)),
             answer == ATTN_OK ? of_class != ATTN_CLASS(ATTN_UNSUPPORTED) &&
                                     of_class != ATTN_CLASS(ATTN_INVALID_ARGUMENT)
                               : status != ATTN_OK);
  if (plan == nullptr) return elapsed_ms;
  // A backward pass would need the forward's O and LSE.
  if (pass == Pass::fwd) execute_planned(stage, plan, arguments, to_text(problem));
  stage.destroy(plan);
  return elapsed_ms;
}

}  // namespace

void ask_about_plan_info(ContractStage& stage) {
  const std::string first = text_of(stage.info(stage.plan()));
  stage.note("plan_info says the same each time", text_of(stage.info(stage.plan())) == first);
  attn_plan* second = stage.plan(stage.instance(), stage.plan_args());
  stage.note("a second plan of the same problem needs no more than the first",
             stage.info(second).workspace_bytes <= stage.info(stage.plan()).workspace_bytes);
  stage.destroy(second);
  struct {
    attn_plan_info info{};
    uint64_t canary = 0;
  } longer;
  longer.info.struct_size = sizeof longer;
  ErrorRecord error;
  stage.note("plan_info fills a longer attn_plan_info as far as it knows",
             stage.api().plan_info(stage.plan(), &longer.info, error.get()) == ATTN_OK &&
                 text_of(longer.info) == first && longer.canary == 0);
}

void ask_with_resolved_options(ContractStage& stage) {
  if (stage.desc().num_options == 0) return stage.nothing_to_ask("it declares no options");
  const attn_plan_info first = stage.info(stage.plan());
  Question question(stage.plan_args());
  for (uint32_t i = 0; i < first.num_options; ++i) {
    const attn_option& option = *first.options[i];
    question.add_option(option.name, option.type, option.int_value, option.float_value,
                        option.string_value);
  }
  attn_plan* again = nullptr;
  stage.ask("plan_create with the options that plan_info gave", Phase::plan_create,
            [&](attn_error* error) {
              return stage.api().plan_create(stage.instance(), &question.args(), &again, error);
            });
  if (again == nullptr) return;
  stage.note("options that plan_info gave stay as they are when asked for",
             options_text(stage.info(again)) == options_text(stage.info(stage.plan())));
  stage.destroy(again);
}

void ask_to_destroy_null(ContractStage& stage) {
  stage.destroy(static_cast<attn_plan*>(nullptr));
  stage.destroy(static_cast<attn_instance*>(nullptr));
}

void ask_many_times(ContractStage& stage) {
  const auto cycle = [&] {
    attn_instance* instance = stage.create();
    attn_plan* one = stage.plan(instance, stage.plan_args());
    attn_plan* two = stage.plan(stage.instance(), stage.plan_args());
    stage.execute(two, stage.execute_args());
    stage.destroy(one);
    stage.destroy(instance);
    stage.execute(two, stage.execute_args());
    stage.destroy(two);
  };
  stage.plan();
  for (int i = 0; i < 3; ++i) cycle();  // what is kept for later is kept by now
  const size_t threads = entries_in("/proc/self/task"), files = entries_in("/proc/self/fd");
  const uint64_t bytes = stage.device().bytes_in_use();
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  int cycles = 0;
  while (cycles < kCycles && std::chrono::steady_clock::now() - start < kCyclesMayTake) {
    cycle();
    ++cycles;
  }
  stage.note(fmt::format("{} plans and instances leave no threads behind", cycles),
             entries_in("/proc/self/task") <= threads);
  stage.note(fmt::format("{} plans and instances leave no files open", cycles),
             entries_in("/proc/self/fd") <= files);
  if (kSanitized) return;
  constexpr uint64_t kDrift = 1 << 20;
  stage.note(fmt::format("{} plans and instances leave no device memory behind", cycles),
             stage.device().bytes_in_use() <= bytes + kDrift);
}

void ask_about_manners(ContractStage& stage) {
  stage.device();
  const Surroundings before = surroundings();
  stage.execute(stage.plan(), stage.execute_args());
  const Surroundings after = surroundings();
  stage.note("no call changes the environment", after.environment == before.environment);
  stage.note("no call changes the locale", after.locale == before.locale);
  stage.note("no call changes the current directory", after.directory == before.directory);
  stage.note("no call changes signal handlers", after.handlers == before.handlers);
}

void ask_supports_and_plans(ContractStage& stage) {
  double slowest_ms = 0.0;
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  for (const Problem& problem : grid_around(stage.request().problem, stage.desc())) {
    slowest_ms = std::max(slowest_ms, compare_supports_and_plan(stage, problem));
    if (std::chrono::steady_clock::now() - start > kCyclesMayTake) break;
  }
  stage.note(fmt::format("supports answers in under 10 ms (slowest: {:.1f} ms)", slowest_ms),
             slowest_ms < 10.0);
}

void ask_for_support(ContractStage& stage) {
  const Problem& problem = stage.request().problem;
  const bool has_lse = (stage.desc().features & ATTN_FEATURE_LSE) != 0;
  for (const Pass pass : {Pass::fwd, Pass::bwd}) {
    if (pass == Pass::bwd && !problem.has_backward()) continue;
    const PassArguments arguments(stage.tensors(), pass, has_lse || problem.has_backward(),
                                  Options{}, stage.desc());
    stage.ask(pass == Pass::fwd ? "fwd" : "bwd", Phase::supports, [&](attn_error* error) {
      return stage.api().supports(stage.instance(), &arguments.plan_args(), error);
    });
  }
}

}  // namespace attnbench
