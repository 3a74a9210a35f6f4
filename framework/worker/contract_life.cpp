// Facts about plans and instances over time, and about what calls leave behind in the process.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <clocale>
#include <cstring>
#include <filesystem>
#include <limits>

#include "worker/contract_groups.h"

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

Problem varied(Problem problem, int64_t seqlen_q, int64_t seqlen_kv, int64_t head_dim,
               Causal causal) {
  problem.seqlen_q = seqlen_q;
  problem.seqlen_kv = seqlen_kv;
  problem.head_dim = head_dim;
  problem.causal = causal;
  return problem;
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
  const Problem& base = stage.request().problem;
  std::vector<Problem> grid;
  for (const int64_t head_dim : {40, 64, 128, 256}) {
    for (const auto& [seqlen_q, seqlen_kv] : {std::pair{1, 1}, {64, 64}, {33, 70}, {70, 33}}) {
      grid.push_back(varied(base, seqlen_q, seqlen_kv, head_dim, Causal::none));
      if ((stage.desc().features & ATTN_FEATURE_CAUSAL) == 0) continue;
      grid.push_back(varied(base, seqlen_q, seqlen_kv, head_dim, Causal::bottom_right));
    }
  }
  double slowest_ms = 0.0;
  for (const Problem& problem : grid) {
    const CaseTensors tensors(stage.device(), problem, 1);
    const bool wants_lse = (stage.desc().features & ATTN_FEATURE_LSE) != 0;
    const PassArguments arguments(tensors, Pass::fwd, wants_lse, Options{}, stage.desc());
    ErrorRecord refusal, failure;
    stage.channel().enter(Phase::supports);
    // The better of two: a busy machine may take the processor away in the middle of one.
    bool is_supported = false;
    double best_ms = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 2; ++i) {
      const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
      is_supported =
          stage.api().supports(stage.instance(), &arguments.plan_args(), refusal.get()) == ATTN_OK;
      const std::chrono::duration<double, std::milli> elapsed =
          std::chrono::steady_clock::now() - start;
      best_ms = std::min(best_ms, elapsed.count());
    }
    slowest_ms = std::max(slowest_ms, best_ms);
    attn_plan* plan = nullptr;
    stage.channel().enter(Phase::plan_create);
    const attn_status status =
        stage.api().plan_create(stage.instance(), &arguments.plan_args(), &plan, failure.get());
    if (plan != nullptr) stage.destroy(plan);
    const int of_class = ATTN_CLASS(status);
    stage.note(fmt::format("supports and plan_create agree on {}", to_text(problem)),
               is_supported ? of_class != ATTN_CLASS(ATTN_UNSUPPORTED) &&
                                  of_class != ATTN_CLASS(ATTN_INVALID_ARGUMENT)
                            : status != ATTN_OK);
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
