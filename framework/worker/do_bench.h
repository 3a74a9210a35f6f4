// triton.testing's do_bench and do_bench_cudagraph, step by step as Triton 3.6 takes them, so that
// a number here can be held against one that was published. Their ways are not ours: do_bench warms
// up without flushing, flushes 256 MB whatever the cache, and looks at one set of inputs; the graph
// one leaves the cache warm and gives means over many calls.
#pragma once

#include "protocol/messages.h"
#include "worker/prepared_trial.h"

namespace attnbench {

// The last call's outputs stay for the host to verify. Throws CallFailure on a plan that a graph
// cannot hold.
BurstReply run_do_bench(PreparedTrial& trial, const BurstRequest& request, Channel& channel);

}  // namespace attnbench
