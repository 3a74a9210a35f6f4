#include "cli/repro_text.h"

#include "report/records.h"
#include "support/catch.h"
#include "support/golden.h"

namespace attnbench {

TEST_CASE("repro shows a trial then and now", "[cli]") {
  Record then = ok_record("cpu_flash", 128, {1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.07});
  then.provider_sha256 = std::string(64, 'a');
  then.provider_version = "1.0";
  then.started_utc = "2026-01-01T00:00:00Z";
  Record now = then;
  now.samples_ms = {2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0};
  now.provider_sha256 = std::string(64, 'b');
  check_golden("cli/golden/repro.txt", repro_text(then, now, {}));
}

TEST_CASE("a trial that fails now has no numbers now", "[cli]") {
  const Record then = ok_record("cpu_flash", 128, {1.0, 1.0, 1.0, 1.0, 1.0, 1.0});
  const Record now =
      failed_record("cpu_flash", 128, Outcome::crashed, "signal-11", "it\x1b[2J died");
  const std::string text = repro_text(then, now, {});
  CHECK(text.find("crashed (signal-11)") != std::string::npos);
  CHECK(text.find("now: it [2J died") != std::string::npos);
  CHECK(text.find("moved") == std::string::npos);
}

TEST_CASE("a profiler's command line survives the shell, also with a hostile kernel name",
          "[cli]") {
  const std::vector<std::string> argv = {"attnbench", "repro", "3fa9", "my runs/it's"};
  CHECK(profiler_text(argv, "cpu", {}) ==
        "perf record -g -- attnbench repro 3fa9 'my runs/it'\\''s'\n");
  CHECK(profiler_text({"a"}, "cuda:0", {"fwd<64>", "x'; rm *"}) ==
        "ncu --target-processes all --set full --kernel-name "
        "'regex:fwd<64>|x'\\''; rm \\*' a\nnsys profile --trace cuda a\n");
}

}  // namespace attnbench
