// Facts that need no device: the entry, the table, the descriptor, the file's symbols.
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/file.h"
#include "provider/table.h"
#include "worker/contract_groups.h"

namespace attnbench {
namespace {

constexpr uint64_t kKnownFeatures = ATTN_FEATURE_CAUSAL | ATTN_FEATURE_BIAS | ATTN_FEATURE_GQA |
                                    ATTN_FEATURE_BWD | ATTN_FEATURE_LSE | ATTN_FEATURE_WINDOW |
                                    ATTN_FEATURE_SOFTCAP | ATTN_FEATURE_DETERMINISTIC |
                                    ATTN_FEATURE_DBIAS;
constexpr uint32_t kImpossibleMinor = 1000000;

// A device as a caller describes it that has never opened one.
attn_device described_device(int32_t type) {
  attn_device device{};
  device.struct_size = ATTN_SIZE_TO(attn_device, uuid);
  device.id = {type, 0};
  device.total_memory_bytes = uint64_t{16} << 30;
  device.name = "a device of attnbench validate";
  if (type == ATTN_DEVICE_CUDA) {
    device.cc_major = 9;
    device.shared_memory_bytes = 232448;
  }
  return device;
}

bool is_semantic_version(std::string_view text) {
  int numbers = 0;
  size_t at = 0;
  while (numbers < 3) {
    const size_t first = at;
    while (at < text.size() && '0' <= text[at] && text[at] <= '9') ++at;
    if (at == first) return false;
    if (++numbers < 3 && (at >= text.size() || text[at++] != '.')) return false;
  }
  return at == text.size() || text[at] == '-' || text[at] == '+';
}

struct Exports {
  std::vector<std::string> names;
  bool has_unique = false;  // STB_GNU_UNIQUE
};

// The file has been loaded, so its structure is sound; its section headers need not be.
Exports exports_of(const std::string& path) {
  const std::string bytes = read_file(path);
  Exports exports;
  const auto at = [&bytes]<typename T>(uint64_t offset, T& value) {
    if (bytes.size() < sizeof(T) || offset > bytes.size() - sizeof(T)) return false;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return true;
  };
  Elf64_Ehdr header{};
  if (!at(0, header)) return exports;
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section{}, names{};
    if (!at(header.e_shoff + i * sizeof section, section) || section.sh_type != SHT_DYNSYM)
      continue;
    if (!at(header.e_shoff + section.sh_link * sizeof names, names)) continue;
    for (uint64_t offset = 0; offset < section.sh_size; offset += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol{};
      if (!at(section.sh_offset + offset, symbol)) break;
      const bool is_local = ELF64_ST_BIND(symbol.st_info) == STB_LOCAL;
      if (is_local || symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS) continue;
      const uint64_t name = names.sh_offset + symbol.st_name;
      if (name >= bytes.size()) continue;
      exports.names.emplace_back(bytes.c_str() + name);
      exports.has_unique = exports.has_unique || ELF64_ST_BIND(symbol.st_info) == STB_GNU_UNIQUE;
    }
  }
  return exports;
}

template <typename T, typename Equal>
bool has_duplicates(const T* values, uint32_t count, Equal equal) {
  for (uint32_t i = 0; i < count; ++i) {
    for (uint32_t j = 0; j < i; ++j) {
      if (equal(values[i], values[j])) return true;
    }
  }
  return false;
}

}  // namespace

void ask_about_entry(ContractStage& stage) {
  stage.channel().enter(Phase::load);
  const attn_provider_entry_v1_fn entry = stage.library().entry();
  stage.note("the entry returns the same table each time",
             entry(0, ATTN_ABI_MINOR) == &stage.api() && entry(0, 0) == &stage.api());
  stage.note("the entry serves the same host when asked with later minors, too",
             entry(0, kImpossibleMinor) == &stage.api());
  stage.note(fmt::format("the entry returns NULL for minors {0} to {0}", kImpossibleMinor),
             entry(kImpossibleMinor, kImpossibleMinor) == nullptr);
}

void ask_about_loading(ContractStage& stage) {
  constexpr double kLoadMayTake_ms = 100.0;
  const Loading& loading = stage.loading();
  stage.note(fmt::format("loading takes under 100 ms (it took {:.0f} ms)", loading.elapsed_ms),
             loading.elapsed_ms < kLoadMayTake_ms);
  stage.note("loading starts no thread", loading.new_threads == 0);
}

void ask_about_files(ContractStage& stage) {
  const uint64_t loading_bytes = stage.loading().written_bytes;
  stage.note(fmt::format("loading writes to no file ({} bytes were written)", loading_bytes),
             loading_bytes == 0);
  stage.channel().enter(Phase::probe);
  const uint64_t before = written_bytes();
  for (uint32_t i = 0; i < stage.desc().num_device_types; ++i) {
    const attn_device device = described_device(stage.desc().device_types[i]);
    int32_t score = 0;
    stage.api().probe(stage.desc().id, &device, &score, nullptr);
  }
  const uint64_t probing_bytes = written_bytes() - before;
  stage.note(fmt::format("probe writes to no file ({} bytes were written)", probing_bytes),
             probing_bytes == 0);
  stage.note("neither leaves a file in the current directory", entries_in(".") == 0);
}

void ask_about_unloading(ContractStage& stage) {
  const std::string path = std::filesystem::canonical(stage.request().path).string();
  stage.channel().enter(Phase::load);
  stage.unload();
  bool is_mapped = false;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) is_mapped |= line.ends_with(path);
  stage.note("dlclose takes the library out of memory", !is_mapped);
}

void ask_about_table(ContractStage& stage) {
  const attn_provider_api& api = stage.api();
  // Today's minor is 0: no field can follow that is known to it.
  stage.note(fmt::format("a table of ABI 1.{} has the size of that minor's", api.abi_minor),
             api.abi_minor > ATTN_ABI_MINOR ||
                 api.struct_size == ATTN_SIZE_TO(attn_provider_api, plan_destroy));
  const attn_provider_desc& desc = stage.desc();
  const std::pair<const char*, const char*> texts[] = {
      {"name", desc.name}, {"version", desc.version}, {"description", desc.description}};
  for (const auto& [field, value] : texts) {
    stage.note(fmt::format("the descriptor's {} is not empty", field), value[0] != '\0');
  }
}

void ask_about_values(ContractStage& stage) {
  const attn_provider_desc& desc = stage.desc();
  for (uint32_t i = 0; i < desc.num_dtypes; ++i) {
    stage.note(fmt::format("dtype {} is one that attnbench knows", dtype_name(desc.dtypes[i])),
               !dtype_name(desc.dtypes[i]).starts_with("dtype"));
  }
  stage.note("no dtype is listed twice",
             !has_duplicates(desc.dtypes, desc.num_dtypes, [](attn_dtype a, attn_dtype b) {
               return dtype_name(a) == dtype_name(b);
             }));
  stage.note("no device type is listed twice",
             !has_duplicates(desc.device_types, desc.num_device_types, std::equal_to<>()));
  for (uint32_t i = 0; i < desc.num_device_types; ++i) {
    const int32_t type = desc.device_types[i];
    stage.note(fmt::format("device type {} is one that attnbench knows", type),
               type == ATTN_DEVICE_CPU || type == ATTN_DEVICE_CUDA);
  }
  stage.note("every feature bit is one that attnbench knows",
             (desc.features & ~kKnownFeatures) == 0);
  stage.note(fmt::format("the version \"{}\" is of the form 1.2.3", desc.version),
             is_semantic_version(desc.version));
  for (uint32_t i = 0; i < desc.num_options; ++i) {
    stage.note(fmt::format("option {} has a doc", desc.options[i]->name),
               desc.options[i]->doc[0] != '\0');
  }
}

void ask_about_extensions(ContractStage& stage) {
  if (stage.api().get_extension == nullptr) {
    return stage.nothing_to_ask("the table has no get_extension");
  }
  stage.channel().enter(Phase::probe);
  for (const char* id : {"attn.no-such-extension/1", "", "attn."}) {
    stage.note(fmt::format("get_extension(\"{}\") is NULL", id),
               stage.api().get_extension(id) == nullptr);
  }
}

void ask_about_unknown_ids(ContractStage& stage) {
  const std::string with_tail = std::string(stage.desc().id) + "x";
  const attn_device device = described_device(stage.desc().device_types[0]);
  for (const std::string& id : {with_tail, std::string()}) {
    int32_t score = 1;
    stage.ask(fmt::format("probe of \"{}\"", id), Phase::probe, [&](attn_error* error) {
      return stage.api().probe(id.c_str(), &device, &score, error);
    });
  }
}

void ask_without_devices(ContractStage& stage) {
  // Whether it says yes or no is its own business; that it lives to say it is not.
  for (const int32_t type : {int32_t{ATTN_DEVICE_CPU}, int32_t{ATTN_DEVICE_CUDA}, int32_t{99}}) {
    const attn_device device = described_device(type);
    int32_t score = -1;
    const attn_status status = stage.ask(
        fmt::format("probe of a device of type {}", type), Phase::probe, [&](attn_error* error) {
          return stage.api().probe(stage.desc().id, &device, &score, error);
        });
    stage.note(fmt::format("probe of a device of type {} scores 1 to 100 with ATTN_OK, 0 with "
                           "another status",
                           type),
               status == ATTN_OK ? 1 <= score && score <= 100 : score == 0);
  }
}

void ask_about_exports(ContractStage& stage) {
  const Exports exports = exports_of(stage.request().path);
  for (const std::string& name : exports.names) {
    if (name.starts_with("attn_provider_entry_v")) continue;
    stage.note(fmt::format("{} is hidden", name.substr(0, 80)), false);
    break;  // one tells enough
  }
  stage.note("no symbol is unique (it would keep the library loaded for ever)",
             !exports.has_unique);
}

}  // namespace attnbench
