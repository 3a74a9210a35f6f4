#include "cli/run_observer.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "support/catch.h"
#include "support/scratch.h"

namespace attnbench {
namespace {

class FakeClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point now() const override { return now_; }
  void advance(std::chrono::seconds by) { now_ += by; }

 private:
  std::chrono::steady_clock::time_point now_{};
};

// A run of 10 s whose bursts took 4 s and 2 s.
HarnessTime time_of_run(RunDirectory& directory, const Json& document) {
  FakeClock clock;
  std::ostringstream out;
  Progress progress(out, clock, {});
  RecordingObserver observer(directory, document, {}, progress, clock);
  clock.advance(std::chrono::seconds(100));  // before the first trial
  observer.begin({}, {}, 0);
  clock.advance(std::chrono::seconds(50));  // plans made ahead
  observer.measuring_begins();
  observer.device_busy(4000.0);
  clock.advance(std::chrono::seconds(10));
  observer.device_busy(2000.0);
  observer.end("finished", 1, true);
  return observer.harness();
}

}  // namespace

TEST_CASE("harness efficiency is the bursts' share of a run's time", "[cli]") {
  const Scratch scratch;
  RunDirectory directory = RunDirectory::create(scratch / "run");
  const HarnessTime time = time_of_run(directory, Json::object());
  CHECK(time.busy_seconds == Approx(6.0));
  CHECK(time.wall_seconds == Approx(10.0));
  const Json run = read_run(scratch / "run");
  CHECK(run["harness"]["efficiency"].get<double>() == Approx(0.6));

  // A run that goes on adds to what was.
  CHECK(time_of_run(directory, run).wall_seconds == Approx(20.0));
  CHECK(read_run(scratch / "run")["harness"]["busy_seconds"].get<double>() == Approx(12.0));
}

}  // namespace attnbench
