// A session in this process, with a small problem and the witness (tests/fixtures/witness), whose
// output row tells what the worker did.
#pragma once

#include <fcntl.h>

#include <cstring>

#include "base/descriptor.h"
#include "provider/call_failure.h"
#include "support/catch.h"
#include "worker/session.h"

namespace attnbench {

inline Problem small_problem(Mode mode = Mode::fwd) {
  Problem problem;
  problem.mode = mode;
  problem.dtype = Dtype::fp32;
  problem.heads = problem.kv_heads = 2;
  problem.seqlen_q = problem.seqlen_kv = 16;
  problem.head_dim = 8;
  return problem;
}

template <typename Number>
std::vector<Number> numbers(const Numbers& reply) {
  std::vector<Number> values(reply.bytes.size() / sizeof(Number));
  std::memcpy(values.data(), reply.bytes.data(), reply.bytes.size());
  return values;
}

// What the witness wrote in its last call.
struct Testimony {
  int calls;
  bool output_was_poisoned, workspace_was_poisoned;
  float input;  // first element of Q, or of O in the backward pass
};

struct Stage {
  Descriptor sink{open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Channel channel{sink.get()};
  Session session{channel};

  void open_provider(const std::string& path = WITNESS, const std::string& id = "witness") {
    session.handle(OpenRequest{path, id, "cpu", "", 0});
  }
  // A witness at work on one trial named "t".
  void prepare(const Problem& problem, const std::string& harm = "none") {
    open_provider();
    session.handle(BeginCaseRequest{problem, 11});
    session.handle(PrepareRequest{"t", {{"harm", harm}}});
  }
  Testimony testimony(const std::string& role = "o") {
    const std::vector<float> row =
        numbers<float>(session.handle(RowsRequest{"t", {{role, 0, 0, 0}}}));
    return {static_cast<int>(row.at(0)), row.at(1) == 1.0f, row.at(2) == 1.0f, row.at(3)};
  }
};

// The CallFailure that `call` ends in.
template <typename Call>
CallFailure failure_in(Call call) {
  try {
    call();
  } catch (const CallFailure& failure) {
    return failure;
  }
  throw std::runtime_error("the call did not fail");
}

inline float first_input(const Problem& problem, Role role, int variant) {
  float value[1];
  InputSource(problem, 11, static_cast<uint32_t>(variant)).fill(role, 0, std::span<float>(value));
  return value[0];
}

}  // namespace attnbench
