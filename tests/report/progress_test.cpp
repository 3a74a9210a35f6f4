#include "report/progress.h"

#include <sstream>

#include "report/records.h"
#include "support/catch.h"

namespace attnbench {
namespace {

class FakeClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point now() const override { return now_; }
  void advance(double seconds) {
    now_ += std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(seconds));
  }

 private:
  std::chrono::steady_clock::time_point now_{};
};

// What stands on the terminal's line now: all after the last redraw.
std::string last_line(const std::ostringstream& out) {
  const std::string text = out.str();
  return text.substr(text.rfind("\r\x1b[K") + 4);
}

}  // namespace

TEST_CASE("without a terminal each finished trial is one line and nothing else", "[report]") {
  std::ostringstream out;
  const FakeClock clock;
  Progress progress(out, clock, {});
  const std::vector<Record> records = mixed_records();
  progress.start(6, 0);
  progress.trial_started(records[0].trial);
  progress.estimate(records[0].trial, 10.0, 0.02);
  progress.trial_finished(records[0]);
  progress.trial_finished(records[3]);
  progress.finish();
  CHECK(out.str() ==
        "[1/6] cpu_reference " + to_text(records[0].trial.problem) +
            "  10 ms ±2.0% 0.00336 TFLOP/s\n"
            "[2/6] cpu_flash " +
            to_text(records[3].trial.problem) +
            " block_q=128  crashed: the worker died of signal 11 (SIGSEGV) in execute\n");
}

TEST_CASE("on a terminal the bar shows trial, estimate and time left", "[report]") {
  std::ostringstream out;
  FakeClock clock;
  Progress progress(out, clock, {true, {200, false}});
  const std::vector<Record> records = mixed_records();
  progress.start(4, 1);
  CHECK(last_line(out) == "[#####...............] 1/4");
  clock.advance(10.0);
  progress.trial_finished(records[0]);
  CHECK(last_line(out).find("2/4  20 s left") != std::string::npos);
  clock.advance(1.0);
  progress.estimate(records[1].trial, 640.0, 0.0125);
  CHECK(last_line(out).find("640 ms ±1.2%  cpu_reference " + to_text(records[1].trial.problem)) !=
        std::string::npos);
  progress.finish();
  CHECK(last_line(out).empty());
}

TEST_CASE("the bar never wraps and is not redrawn faster than an eye sees", "[report]") {
  std::ostringstream out;
  FakeClock clock;
  Progress progress(out, clock, {true, {40, false}});
  const Record record = mixed_records()[0];
  progress.start(4, 0);
  clock.advance(1.0);
  progress.trial_started(record.trial);
  CHECK(display_width(last_line(out)) <= 39);
  const std::string before = out.str();
  progress.estimate(record.trial, 1.0, 0.1);
  CHECK(out.str() == before);
  clock.advance(0.2);
  progress.estimate(record.trial, 1.0, 0.1);
  CHECK(out.str() != before);
}

TEST_CASE("a note stays above the bar", "[report]") {
  std::ostringstream out;
  const FakeClock clock;
  Progress progress(out, clock, {true, {80, false}});
  progress.start(4, 0);
  progress.note("quarantined \x1b[2J");
  CHECK(out.str().find("\r\x1b[Kquarantined  [2J\n") != std::string::npos);
  CHECK(last_line(out) == "[....................] 0/4");
}

}  // namespace attnbench
