#include "cli/plan_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "measure/stopping.h"
#include "model/work.h"
#include "report/terminal_text.h"

namespace attnbench {
namespace {

// Assumed speeds, on the slow side for good kernels. The reference's is what reference/ promises.
constexpr double kCpuGflops = 10.0;
constexpr double kGpuGflops = 200e3;
constexpr double kReferenceGflopsPerCpu = 8.0;
constexpr double kPrepareSeconds = 0.1;  // a trial's inputs, plan, verification, pipe
constexpr int kInputVariants = 2;

struct Seconds {
  double low = 0.0, high = 0.0;
};

Seconds measuring_seconds(const Trial& trial, Effort effort) {
  const StoppingRule rule = stopping_rule(effort, trial.device);
  const double gflops = trial.device == "cpu" ? kCpuGflops : kGpuGflops;
  const double call_ms = flops(trial.problem) / (gflops * 1e6);
  const int samples = call_ms > rule.slow_call_ms ? rule.slow_min_samples : rule.min_samples;
  const double warmup_ms = std::max(rule.first_warmup_ms, rule.min_warmup_calls * call_ms);
  const double sampling_ms = samples * std::max(call_ms, rule.min_sample_ms);
  const double low = (warmup_ms + sampling_ms) * 1e-3 + kPrepareSeconds;
  const double later_warmups_s = (most_bursts(rule) - 1) * rule.warmup_ms * 1e-3;
  return {low, std::max(low, low - sampling_ms * 1e-3 + rule.time_budget_s + later_warmups_s)};
}

// Of one (batch, head): what is checked is a few heads, not all.
double reference_seconds(const Problem& problem, int cpus) {
  const double heads = static_cast<double>(problem.batch * problem.heads);
  return kInputVariants * flops(problem) / heads / (kReferenceGflopsPerCpu * 1e9 * cpus);
}

std::string line_text(const PlannedLine& planned) {
  return fmt::format(
      "  {}{} on {}{}\n", planned.line.label,
      planned.line.label == planned.line.id ? "" : " = " + planned.line.id, planned.device,
      planned.is_installed ? "" : " (not installed: its trials will end as load_failed)");
}

// The host knows the free memory of the CPU; a GPU's is known to its worker alone.
std::string free_text(const Plan& plan, uint64_t available_bytes) {
  for (const PlannedLine& planned : plan.lines()) {
    if (planned.device == "cpu")
      return fmt::format("; the CPU has {} free", human_bytes(available_bytes));
  }
  return "";
}

}  // namespace

PlanCost estimate_cost(const Plan& plan, int cpus) {
  PlanCost cost;
  int64_t last_case = -1;
  plan.for_each_trial([&](const Trial& trial, int64_t case_index) {
    const Seconds seconds = measuring_seconds(trial, plan.sweep().measure.effort);
    cost.low_seconds += seconds.low;
    cost.high_seconds += seconds.high;
    if (case_index == last_case) return true;
    last_case = case_index;
    const double reference_s = reference_seconds(trial.problem, cpus);
    cost.low_seconds += reference_s;
    cost.high_seconds += reference_s;
    const double bytes = tensor_bytes(trial.problem);
    if (!cost.largest || bytes > cost.largest_bytes) {
      cost.largest_bytes = bytes;
      cost.largest = trial.problem;
    }
    return true;
  });
  return cost;
}

std::string counts_text(const PlanCounts& counts) {
  return fmt::format("{} plots, {} points, {} distinct trials in {} cases", counts.plots,
                     counts.points, counts.trials, counts.cases);
}

std::string plan_text(const Plan& plan, const PlanCost& cost, uint64_t available_bytes) {
  const Sweep& sweep = plan.sweep();
  std::string text = sweep.description.empty() ? sweep.name : sweep.name + ": " + sweep.description;
  text += "\n" + counts_text(plan.counts()) + "\nlines:\n";
  for (const PlannedLine& planned : plan.lines()) text += line_text(planned);
  for (const std::string& note : plan.notes()) text += "note: " + note + "\n";
  if (cost.largest) {
    text += fmt::format("memory: up to {} of tensors in each worker, for {}{}\n",
                        human_bytes(static_cast<unsigned long long>(cost.largest_bytes)),
                        to_text(*cost.largest), free_text(plan, available_bytes));
    text += fmt::format(
        "time: {} to {}, guessed for providers of {:g} GFLOP/s on a CPU and {:g} TFLOP/s on a "
        "GPU,\n"
        "  from fast convergence to the whole time budget of effort \"{}\"\n",
        human_seconds(cost.low_seconds), human_seconds(cost.high_seconds), kCpuGflops,
        kGpuGflops * 1e-3, enum_to_text(kEfforts, sweep.measure.effort));
  }
  return text;
}

}  // namespace attnbench
