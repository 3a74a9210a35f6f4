#include "supervise/deadlines.h"

#include <algorithm>

namespace attnbench {

double deadline_s(const Deadlines& deadlines, Phase phase, double execute_estimate_s) {
  switch (phase) {
    case Phase::idle:
      return deadlines.idle_s;
    case Phase::start:
      return deadlines.start_s;
    case Phase::load:
      return deadlines.load_s;
    case Phase::probe:
      return deadlines.probe_s;
    case Phase::create:
      return deadlines.create_s;
    case Phase::allocate:
      return deadlines.allocate_s;
    case Phase::supports:
      return deadlines.supports_s;
    case Phase::plan_create:
      return deadlines.plan_create_s;
    case Phase::execute:
      return std::max(deadlines.execute_s, deadlines.execute_estimates * execute_estimate_s);
    case Phase::plan_destroy:
      return deadlines.plan_destroy_s;
    case Phase::destroy:
      return deadlines.destroy_s;
    case Phase::check:
      return deadlines.check_s;
  }
  return deadlines.idle_s;
}

}  // namespace attnbench
