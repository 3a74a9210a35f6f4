// The fp64 answers of one case, computed once per input variant when first needed, or ahead of it,
// and shared by all of its trials. The rows are chosen by the run's secret, so a provider cannot
// know where to be right.
#pragma once

#include <array>
#include <future>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "measure/verdict.h"
#include "model/problem.h"
#include "protocol/messages.h"
#include "reference/attention.h"
#include "supervise/run.h"

namespace attnbench {

class References {
 public:
  References(const Problem& problem, const RunSettings& settings);
  // Threads that compute ahead hold on to it.
  References(const References&) = delete;
  References& operator=(const References&) = delete;
  ~References();  // calls them off

  // Begins to compute with so many threads, and returns.
  void start(int threads);

  // The rows to ask a provider for; LSE only of one that writes it.
  std::vector<RowAddress> rows(int variant, bool with_lse);
  // How many numbers those rows are.
  size_t numbers_in(int variant, bool with_lse);
  // `got`: the numbers of those rows, as they came.
  std::vector<RoleComparison> compare_rows(int variant, bool with_lse, std::span<const float> got);

  // Sums over the sequence of "dk" and "dv", (batch, kv_heads, head_dim): heads that no row is
  // checked of are held to the identities that hold for every head.
  size_t numbers_in_sums() const;
  RoleComparison compare_sums(int variant, const std::string& role, std::span<const double> got);

 private:
  const ReferenceRows& of(int variant);
  ReferenceRows compute(int variant, const Threads& threads) const;

  Problem problem_;
  uint64_t seed_, secret_seed_;
  int rows_per_tensor_, threads_;
  std::stop_source stop_;
  std::array<std::shared_future<ReferenceRows>, 2> computed_;  // by variant
};

}  // namespace attnbench
