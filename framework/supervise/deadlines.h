// How long each risky stretch of a worker's life may last before it counts as a hang. Pure.
#pragma once

#include "protocol/messages.h"

namespace attnbench {

struct Deadlines {
  double start_s = 10.0;  // from spawn to the answer to hello
  double load_s = 10.0;   // dlopen and the entry function
  double probe_s = 10.0;
  double create_s = 60.0;
  double allocate_s = 120.0;  // tensors of a case and their random inputs
  double supports_s = 10.0;
  double plan_create_s = 300.0;     // may compile
  double execute_s = 10.0;          // at least; see execute_estimates
  double execute_estimates = 50.0;  // ... but no less than so many times the estimate of one call
  double plan_destroy_s = 10.0;
  double destroy_s = 10.0;
  double check_s = 30.0;
  double idle_s = 30.0;  // the worker's own work between phases: reading rows, sums, hashes
};

// `execute_estimate_s`: one call as measured before; 0 where nothing is known yet.
double deadline_s(const Deadlines& deadlines, Phase phase, double execute_estimate_s);

}  // namespace attnbench
