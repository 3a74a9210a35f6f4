// Time behind an interface, so that deadlines and progress are tested without waiting.
#pragma once

#include <chrono>
#include <string>

namespace attnbench {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::chrono::steady_clock::time_point now() const = 0;
};

// Monotonic: a change of the wall clock does not move it.
class SteadyClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point now() const override {
    return std::chrono::steady_clock::now();
  }
};

double seconds_between(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to);

// Wall-clock UTC as "20261123T221138Z" (file names) and "2026-11-23T22:11:38Z" (records).
std::string utc_compact();
std::string utc_iso();

}  // namespace attnbench
