// What a run says while it lasts. On a terminal: one line redrawn in place, with a bar, the current
// trial, its estimate so far, and the time left. Elsewhere (a pipe, a CI log): one line per
// finished trial, nothing else.
#pragma once

#include <chrono>
#include <ostream>
#include <string>

#include "base/clock.h"
#include "model/record.h"
#include "report/terminal_text.h"

namespace attnbench {

struct ProgressStyle {
  bool is_tty = false;
  TerminalStyle terminal;
};

// Borrows the stream and the clock.
class Progress {
 public:
  Progress(std::ostream& out, const Clock& clock, ProgressStyle style);

  // `done`: finished by an earlier run that this one resumes.
  void start(size_t trials, size_t done);
  void trial_started(const Trial& trial);
  // The median so far, and the half-width of its interval relative to it.
  void estimate(const Trial& trial, double median_ms, double half_width);
  void trial_finished(const Record& record);
  // A line that stays, above the bar.
  void note(const std::string& line);
  void finish();  // takes the bar away

 private:
  void draw(bool is_forced);
  void erase();
  std::string eta() const;

  std::ostream& out_;
  const Clock& clock_;
  ProgressStyle style_;
  size_t trials_ = 0, done_before_ = 0, done_ = 0;
  std::string current_;
  std::chrono::steady_clock::time_point started_at_;
  std::chrono::steady_clock::time_point drawn_at_;
  bool is_drawn_ = false;
};

}  // namespace attnbench
