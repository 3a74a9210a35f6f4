#include "supervise/describe.h"
#include "supervise/inspect.h"

#include <fstream>

#include "base/file.h"
#include "guest_house.h"
#include "support/catch.h"

using namespace attnbench;
namespace fs = std::filesystem;

namespace {

const fs::path kGuests = ATTNBENCH_BUILD_DIR "/tests/guests";
const fs::path kShipped = ATTNBENCH_BUILD_DIR "/lib/attnbench/providers";

DescribeSettings settings_in(const Scratch& scratch) {
  DescribeSettings settings;
  settings.worker = quick_worker(scratch.path());
  settings.devices = {"cpu"};
  settings.cache_file = scratch / "cache/providers.json";
  return settings;
}

const ProviderInfo& row_of_file(const std::vector<ProviderInfo>& rows, const std::string& file) {
  for (const ProviderInfo& row : rows) {
    if (fs::path(row.path).filename() == file) return row;
  }
  throw std::runtime_error("no row of " + file);
}

}  // namespace

TEST_CASE("a described provider says what it is and where it can run", "[describe]") {
  Scratch scratch;
  const std::vector<ProviderInfo> rows =
      describe_providers(find_provider_files({kShipped}), settings_in(scratch));
  const ProviderInfo& row = row_of_file(rows, "cpu_reference.provider.so");
  CHECK(row.state == LibraryState::ok);
  CHECK(row.id == "cpu_reference");
  CHECK(row.sha256.size() == 64);
  CHECK(row.is_usable_on("cpu"));
  CHECK_FALSE(row.is_usable_on("cuda:0"));
}

TEST_CASE("files that crash, hang or are no library are rows, the others intact", "[describe]") {
  Scratch scratch;
  fs::create_directory(scratch / "p");
  std::ofstream(scratch / "p/text.provider.so") << "no library";
  const std::vector<ProviderInfo> rows = describe_providers(
      find_provider_files({kGuests, scratch / "p", kShipped}), settings_in(scratch));
  CHECK(row_of_file(rows, "guest_entry_crash.provider.so").state == LibraryState::crashed);
  CHECK(row_of_file(rows, "guest_load_hang.provider.so").state == LibraryState::hung);
  CHECK(row_of_file(rows, "text.provider.so").state == LibraryState::not_elf);
  CHECK(row_of_file(rows, "cpu_reference.provider.so").state == LibraryState::ok);
  for (const ProviderInfo& row : rows) CHECK((row.state == LibraryState::ok) == row.reason.empty());
  CHECK(has_no_children());
}

TEST_CASE("the first of two providers with one id shadows the other", "[describe]") {
  Scratch scratch;
  fs::create_directory(scratch / "first");
  fs::copy(kShipped / "cpu_reference.provider.so", scratch / "first/mine.provider.so");
  const std::vector<ProviderInfo> rows =
      describe_providers(find_provider_files({scratch / "first", kShipped}), settings_in(scratch));
  CHECK(row_of_file(rows, "mine.provider.so").state == LibraryState::ok);
  const ProviderInfo& shadowed = row_of_file(rows, "cpu_reference.provider.so");
  CHECK(shadowed.state == LibraryState::shadowed);
  CHECK(shadowed.reason.find("mine.provider.so") != std::string::npos);
}

TEST_CASE("a refused directory is a row with its reason", "[describe]") {
  Scratch scratch;
  fs::create_directory(scratch / "open");
  fs::permissions(scratch / "open", fs::perms::all);
  const std::vector<ProviderInfo> rows =
      describe_providers(find_provider_files({scratch / "open"}), settings_in(scratch));
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].state == LibraryState::load_failed);
  CHECK(rows[0].reason.find("anybody may write") != std::string::npos);
}

TEST_CASE("descriptions are kept, a changed file or a wish asks again", "[describe]") {
  Scratch scratch;
  fs::create_directory(scratch / "p");
  fs::copy(kShipped / "cpu_reference.provider.so", scratch / "p/a.provider.so");
  fs::copy(kGuests / "guest_entry_crash/guest_entry_crash.provider.so",
           scratch / "p/b.provider.so");
  DescribeSettings settings = settings_in(scratch);
  const fs::path log = scratch / "logs/describe.log";
  const auto described = [&] {
    fs::remove(log);
    return describe_providers(find_provider_files({scratch / "p"}), settings);
  };
  const std::vector<ProviderInfo> first = described();
  CHECK(fs::exists(log));
  const std::vector<ProviderInfo> kept = described();
  CHECK_FALSE(fs::exists(log));  // no worker was started
  CHECK(kept.at(0).id == first.at(0).id);
  CHECK(kept.at(1).state == LibraryState::crashed);

  settings.retry_failures = true;
  described();
  CHECK(fs::exists(log));
  settings.retry_failures = false;
  settings.asks_anew = true;
  described();
  CHECK(fs::exists(log));
  settings.asks_anew = false;

  std::ofstream(scratch / "p/a.provider.so") << "changed";
  CHECK(described().at(0).state == LibraryState::not_elf);

  replace_file(settings.cache_file, "{torn");
  CHECK(described().at(0).state == LibraryState::not_elf);
  CHECK(fs::exists(log));
}

TEST_CASE("a worker that cannot be asked about the machine is a reason, not an error",
          "[describe]") {
  Scratch scratch;
  DescribeSettings settings = settings_in(scratch);
  CHECK(inspect_machine(settings.worker).libraries.size() == std::size(kCudaLibraries));
  settings.worker.executable = "/bin/false";
  CHECK(inspect_machine(settings.worker).driver_trouble.find("exit") != std::string::npos);
}
