// --filter: which trials of a plan are wanted, by a regular expression over the trial's text.
#pragma once

#include <string>
#include <vector>

#include "model/trial.h"

namespace attnbench {

// "provider=block_ptr device=cuda:0 mode=fwd dtype=fp16 batch=1 heads=8 kv_heads=8 seqlen_q=1024
// ..." and the options: glossary words, so that a filter reads like the sweep.
std::string filter_text(const Trial& trial);

// Compiled patterns. A leading '-' negates: "-mode=bwd" keeps what does not match "mode=bwd".
class Filter {
 public:
  explicit Filter(const std::vector<std::string>& patterns);  // throws Error on a bad pattern
  Filter(Filter&&) noexcept;
  Filter& operator=(Filter&&) noexcept;
  ~Filter();
  bool is_empty() const;
  bool matches(const Trial& trial) const;  // all patterns agree

 private:
  struct Pattern;
  std::vector<Pattern> patterns_;
};

}  // namespace attnbench
