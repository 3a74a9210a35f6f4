#include "supervise/policy.h"

#include <fmt/format.h>

#include <span>

#include "base/hash.h"

namespace attnbench {

void Quarantine::count_death(const std::string& provider, const Options& options) {
  ++deaths_[provider].by_options[options];
}

void Quarantine::count_ok(const std::string& provider) {
  deaths_[provider].has_ok = true;
}

std::optional<std::string> Quarantine::reason(const std::string& provider,
                                              const Options& options) const {
  const std::map<std::string, Deaths>::const_iterator found = deaths_.find(provider);
  if (found == deaths_.end()) return std::nullopt;
  const Deaths& deaths = found->second;
  const std::map<Options, int>::const_iterator same = deaths.by_options.find(options);
  if (same != deaths.by_options.end() && same->second >= kDeathsToQuarantine) {
    return fmt::format("{} trials of {} with these options killed a fresh worker each",
                       same->second, provider);
  }
  const size_t option_sets = deaths.by_options.size();
  if (!deaths.has_ok && option_sets >= static_cast<size_t>(kOptionSetsToQuarantine)) {
    return fmt::format("{} killed fresh workers with {} sets of options and never passed", provider,
                       option_sets);
  }
  return std::nullopt;
}

std::vector<size_t> rotated(size_t count, size_t round) {
  std::vector<size_t> order(count);
  for (size_t i = 0; i < count; ++i) order[i] = (i + round) % count;
  return order;
}

SecretNumbers::SecretNumbers(uint64_t secret_seed, const std::string& purpose)
    : state_(hash_bytes(std::as_bytes(std::span(purpose)), secret_seed)) {}

int SecretNumbers::between(int low, int high) {
  state_ = mix64(state_ + 0x9e3779b97f4a7c15u);
  return low + static_cast<int>(state_ % static_cast<uint64_t>(high - low + 1));
}

}  // namespace attnbench
