#include "sweep/filter.h"

#include <fmt/format.h>

#include <regex>

#include "base/error.h"

namespace attnbench {
namespace {

constexpr size_t kLongestPattern = 256;

// libstdc++'s default matcher backtracks: "(a+)+$" would hang the host on one trial. Its
// breadth-first one takes time proportional to the text and refuses back-references, which no
// filter needs.
#ifdef __GLIBCXX__
constexpr std::regex::flag_type kSyntax =
    std::regex::ECMAScript | std::regex::optimize | std::regex_constants::__polynomial;
#else
constexpr std::regex::flag_type kSyntax = std::regex::ECMAScript | std::regex::optimize;
#endif

}  // namespace

struct Filter::Pattern {
  std::regex regex;
  bool is_negated = false;
};

Filter::Filter(const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    const bool is_negated = pattern.starts_with('-');
    const std::string text = pattern.substr(is_negated ? 1 : 0);
    const std::string hint =
        "it is searched in texts such as \"provider=cpu_flash device=cpu mode=fwd ... "
        "head_dim=64\"";
    if (text.empty() || text.size() > kLongestPattern) {
      throw Error(fmt::format("a filter must have 1 to {} characters, not {}", kLongestPattern,
                              text.size()),
                  hint);
    }
    try {
      patterns_.push_back({std::regex(text, kSyntax), is_negated});
    } catch (const std::regex_error& error) {
      throw Error(fmt::format("filter \"{}\" is no regular expression: {}", text, error.what()),
                  hint);
    }
  }
}

Filter::Filter(Filter&&) noexcept = default;
Filter& Filter::operator=(Filter&&) noexcept = default;
Filter::~Filter() = default;

bool Filter::is_empty() const {
  return patterns_.empty();
}

bool Filter::matches(const Trial& trial) const {
  if (patterns_.empty()) return true;
  const std::string text = filter_text(trial);
  for (const Pattern& pattern : patterns_) {
    if (std::regex_search(text, pattern.regex) == pattern.is_negated) return false;
  }
  return true;
}

std::string filter_text(const Trial& trial) {
  const Problem& problem = trial.problem;
  std::string text = fmt::format(
      "provider={} device={} mode={} dtype={} batch={} heads={} kv_heads={} seqlen_q={} "
      "seqlen_kv={} head_dim={} layout={} causal={} bias={} scale={}",
      trial.provider, trial.device, enum_to_text(kModes, problem.mode),
      enum_to_text(kDtypes, problem.dtype), problem.batch, problem.heads, problem.kv_heads,
      problem.seqlen_q, problem.seqlen_kv, problem.head_dim, enum_to_text(kLayouts, problem.layout),
      enum_to_text(kCausals, problem.causal), enum_to_text(kBiases, problem.bias), problem.scale);
  for (const auto& [name, value] : trial.options) {
    text += fmt::format(" {}={}", name, to_text(value));
  }
  return text;
}

}  // namespace attnbench
