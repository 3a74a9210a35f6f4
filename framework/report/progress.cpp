#include "report/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "model/statistics.h"
#include "model/work.h"

namespace attnbench {
namespace {

constexpr int kBarColumns = 20;
constexpr int kUnknownWidth = 80;  // a terminal that does not tell its width
constexpr double kRedrawSeconds = 0.1;

std::string trial_text(const Trial& trial) {
  const std::string options = to_text(trial.options);
  return printable(fmt::format("{} {}{}{}", trial.provider, to_text(trial.problem),
                               options.empty() ? "" : " ", options));
}

std::string result_text(const Record& record, const TerminalStyle& style) {
  if (record.is_ok()) {
    const Summary summary = summarise(record.samples_ms);
    return fmt::format("{:.4g} ms ±{:.1f}% {:.3g} TFLOP/s", summary.median,
                       100.0 * summary.half_width(),
                       flops(record.trial.problem) / (summary.median * 1e9));
  }
  const Color color = traits_of(record.outcome).is_answer ? Color::yellow : Color::red;
  return fmt::format("{}: {}", colored(to_text(record.outcome), color, style),
                     printable(record.message));
}

}  // namespace

Progress::Progress(std::ostream& out, const Clock& clock, ProgressStyle style)
    : out_(out), clock_(clock), style_(style), started_at_(clock.now()), drawn_at_(clock.now()) {}

void Progress::start(size_t trials, size_t done) {
  trials_ = trials;
  done_before_ = done_ = done;
  started_at_ = clock_.now();
  draw(true);
}

void Progress::trial_started(const Trial& trial) {
  current_ = trial_text(trial);
  draw(false);
}

void Progress::estimate(const Trial& trial, double median_ms, double half_width) {
  // The number first: a narrow terminal cuts the end.
  current_ =
      fmt::format("{:.4g} ms ±{:.1f}%  {}", median_ms, 100.0 * half_width, trial_text(trial));
  draw(false);
}

void Progress::trial_finished(const Record& record) {
  ++done_;
  if (style_.is_tty) return draw(true);
  out_ << fmt::format("[{}/{}] {}  {}\n", done_, trials_, trial_text(record.trial),
                      result_text(record, style_.terminal))
       << std::flush;
}

void Progress::note(const std::string& line) {
  erase();
  out_ << printable(line) << '\n' << std::flush;
  draw(true);
}

void Progress::finish() {
  erase();
  out_ << std::flush;
}

// From the mean of what this run has finished: trials of a sweep differ, so it is a rough word.
std::string Progress::eta() const {
  const size_t finished = done_ - done_before_;
  if (finished == 0) return "";
  const double elapsed_s = seconds_between(started_at_, clock_.now());
  const double left_s =
      elapsed_s / static_cast<double>(finished) * static_cast<double>(trials_ - done_);
  return human_seconds(left_s) + " left";
}

void Progress::draw(bool is_forced) {
  if (!style_.is_tty || trials_ == 0) return;
  const std::chrono::steady_clock::time_point now = clock_.now();
  if (!is_forced && is_drawn_ && seconds_between(drawn_at_, now) < kRedrawSeconds) return;
  const size_t filled = std::min(done_, trials_) * kBarColumns / trials_;
  const std::string bar = std::string(filled, '#') + std::string(kBarColumns - filled, '.');
  std::string line = fmt::format("[{}] {}/{}", bar, done_, trials_);
  for (const std::string& part : {eta(), current_}) {
    if (!part.empty()) line += "  " + part;
  }
  // The last column stays free: writing it would wrap on some terminals.
  const int width = style_.terminal.width > 0 ? style_.terminal.width : kUnknownWidth;
  out_ << "\r\x1b[K" << cut_to_width(line, width - 1) << std::flush;
  drawn_at_ = now;
  is_drawn_ = true;
}

void Progress::erase() {
  if (is_drawn_) out_ << "\r\x1b[K";
  is_drawn_ = false;
}

}  // namespace attnbench
