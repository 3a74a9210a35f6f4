// Each fixture of tests/fixtures/tables breaks one promise; the reason must name it, since that
// line is all that `list providers` can show.
#include "provider/library.h"

#include <elf.h>

#include <cstring>

#include "base/file.h"
#include "provider/error_record.h"
#include "provider/instance.h"
#include "support/catch.h"
#include "support/scratch.h"

using namespace attnbench;

namespace {

std::filesystem::path table(const std::string& fault) {
  return std::filesystem::path(TABLE_FIXTURES) / ("table_" + fault + ".so");
}

LibraryFault fault_of(const std::filesystem::path& path) {
  try {
    const ProviderLibrary library(path);
  } catch (const LibraryError& error) {
    return {error.state, error.what()};
  }
  return {LibraryState::ok, ""};
}

void check_fault(const std::filesystem::path& path, LibraryState state, const std::string& words) {
  const LibraryFault fault = fault_of(path);
  INFO(path << ": " << fault.reason);
  CHECK(enum_to_text(kLibraryStates, fault.state) == enum_to_text(kLibraryStates, state));
  CHECK(fault.reason.find(words) != std::string::npos);
}

attn_device cpu() {
  attn_device device{};
  device.struct_size = ATTN_SIZE_TO(attn_device, uuid);
  device.id = {ATTN_DEVICE_CPU, 0};
  device.name = "cpu";
  return device;
}

}  // namespace

TEST_CASE("a sound library is described without an instance", "[library]") {
  const ProviderLibrary library(table("none"));
  REQUIRE(library.infos().size() == 1);
  const ProviderInfo info = library.infos()[0];
  CHECK(info.id == "table");
  CHECK(info.abi == "1.0");
  CHECK(info.device_types == std::vector<std::string>{"cpu"});
  CHECK(info.dtypes == std::vector<std::string>{"fp32"});
  CHECK(info.features == std::vector<std::string>{"causal"});
  REQUIRE(info.find_option("block_q") != nullptr);
  CHECK(info.find_option("block_q")->choices == std::vector<OptionValue>{int64_t{16}, int64_t{32}});
  CHECK(info.find_option("block_q")->default_value == OptionValue(int64_t{32}));
  CHECK(library.probe("table", cpu(), "cpu").score == 42);
  CHECK(library.find("nobody") == nullptr);
}

TEST_CASE("a library that cannot be used says why", "[library]") {
  check_fault(table("null"), LibraryState::abi_too_new, "update attnbench");
  check_fault(table("major"), LibraryState::abi_too_new, "2.0");
  check_fault(table("old_major"), LibraryState::abi_too_old, "build it again");
  check_fault(table("only_v2"), LibraryState::abi_too_new, "ABI 2");
  check_fault(table("entry"), LibraryState::missing_entry, "attn_provider_entry_v1");
  check_fault(table("missing_dependency"), LibraryState::missing_dependency, "libabsent.so");
  check_fault(table("slot"), LibraryState::bad_table, "execute");
  check_fault(table("duplicate"), LibraryState::bad_table, "\"table\" is there twice");
  check_fault(table("utf8"), LibraryState::bad_table, "table: name is no UTF-8");
  check_fault(table("count"), LibraryState::bad_table, "table has 4000000000 options");
  check_fault(table("default"), LibraryState::bad_table, "block_q");
}

TEST_CASE("a file that is no library for this machine is not loaded", "[library]") {
  const Scratch scratch;
  const std::string sound = read_file(table("none"));

  replace_file(scratch / "text.so", "hello, I am a text\n");
  check_fault(scratch / "text.so", LibraryState::not_elf, "no ELF");
  replace_file(scratch / "empty.so", "");
  check_fault(scratch / "empty.so", LibraryState::not_elf, "no ELF");
  check_fault(scratch / "nowhere.so", LibraryState::load_failed, "No such file");

  std::string foreign = sound;
  const uint16_t machine = EM_RISCV;
  std::memcpy(foreign.data() + offsetof(Elf64_Ehdr, e_machine), &machine, sizeof(machine));
  replace_file(scratch / "foreign.so", foreign);
  check_fault(scratch / "foreign.so", LibraryState::wrong_architecture, "RISC-V");

  std::string narrow = sound;
  narrow[EI_CLASS] = ELFCLASS32;
  replace_file(scratch / "narrow.so", narrow);
  check_fault(scratch / "narrow.so", LibraryState::wrong_architecture, "64-bit");
}

TEST_CASE("a file that was cut anywhere is called truncated", "[library]") {
  const Scratch scratch;
  const std::string sound = read_file(table("none"));
  for (const size_t bytes :
       {size_t{20}, size_t{64}, size_t{100}, sound.size() / 2, sound.size() - 1}) {
    replace_file(scratch / "cut.so", sound.substr(0, bytes));
    check_fault(scratch / "cut.so", LibraryState::truncated, std::to_string(bytes));
  }
}

TEST_CASE("create that succeeds without an instance breaks the contract", "[library]") {
  const ProviderLibrary library(table("none"));
  const attn_device device = cpu();
  const attn_host host{};
  try {
    const Instance instance(library, *library.find("table"), device, host);
    FAIL("there is an instance");
  } catch (const CallFailure& failure) {
    CHECK(failure.outcome == Outcome::contract_violation);
    CHECK(failure.detail == "null-instance");
  }
}

TEST_CASE("a status becomes an outcome, a host's own status a broken contract", "[library]") {
  ErrorRecord record;
  std::strcpy(record.get()->message, "needs 2 B");
  CHECK(record.failure(ATTN_RESOURCE_SHARED_MEMORY).outcome == Outcome::resource_exhausted);
  CHECK(std::string(record.failure(ATTN_UNSUPPORTED_SHAPE).what()) == "needs 2 B");
  CHECK(record.failure(ATTN_HOST_TIMED_OUT).outcome == Outcome::contract_violation);
  CHECK(record.failure(19000).outcome == Outcome::internal_error);
  CHECK(record.failure(-5).outcome == Outcome::internal_error);
  CHECK(record.failure(ATTN_EXECUTION_POISONED).is_poisoned);
}

TEST_CASE("an error text without an end, or none at all, is still a line", "[library]") {
  ErrorRecord record;
  CHECK(std::string(record.failure(ATTN_INTERNAL).what()).find("8000") != std::string::npos);
  std::memset(record.get()->message, 'x', record.get()->message_capacity);
  CHECK(std::string(record.failure(ATTN_INTERNAL).what()).size() == record.get()->message_capacity);
}
