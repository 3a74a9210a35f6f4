// One attention pass as cuDNN's graph: the operation, the engines that its heuristics offer for it
// (candidates, best first), and those of them that are compiled. The only door to cudnn-frontend,
// whose headers are too heavy to be included twice.
#pragma once

#include <attnbench/provider.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "session.h"

namespace cudnn_sdpa {

// Where the tensors of a pass lie; a tensor's key is its role.
using Addresses = std::unordered_map<int64_t, void*>;

class Graph {
 public:
  // Describes the pass and asks the heuristics. Throws attn::Failure with cuDNN's own words.
  // `heuristic` is "a", "b" or "fallback".
  Graph(const attn::PlanRequest& request, const Session& session, const std::string& heuristic,
        bool is_deterministic);
  Graph(Graph&&) noexcept;
  ~Graph();

  int64_t num_candidates() const;
  // Compiles a candidate. Returns why that cannot be done; empty: it is done.
  std::string compile(int64_t candidate);
  uint64_t workspace_bytes(int64_t candidate) const;  // of a compiled one
  std::string name(int64_t candidate) const;          // cuDNN's: its engine and its knobs
  // Enqueues a compiled candidate on the session's stream. `addresses` is used up.
  void run(int64_t candidate, const Session& session, Addresses& addresses, void* workspace) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace cudnn_sdpa
