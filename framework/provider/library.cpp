#define BOOST_DLL_USE_STD_FS  // spares the worker Boost.Filesystem
#include "provider/library.h"

#include <fmt/format.h>

#include <boost/dll/shared_library.hpp>
#include <optional>

#include "provider/error_record.h"
#include "provider/table.h"

namespace attnbench {
namespace {

constexpr const char* kEntryName = "attn_provider_entry_v1";
// Majors that may come after ours: their symbol tells "too new" from "no provider at all".
constexpr unsigned kNewestMajorLookedFor = 9;

// Boost wraps dlerror's text in its own; only the inner one helps.
std::string dlerror_text(const std::string& what) {
  constexpr std::string_view kBefore = "(dlerror system message: ";
  const size_t begin = what.find(kBefore);
  if (begin == std::string::npos) return what;
  const size_t first = begin + kBefore.size();
  return what.substr(first, what.rfind(')') - first);
}

// dlopen says "libfoo.so.1: cannot open shared object file: No such file or directory".
LibraryFault fault_of_dlerror(const std::string& text) {
  const size_t end = text.find(": cannot open shared object file: No such file");
  if (end == std::string::npos) return {LibraryState::load_failed, text};
  return {LibraryState::missing_dependency,
          fmt::format("needs {}, which is not installed here", text.substr(0, end))};
}

LibraryFault fault_of_missing_entry(const boost::dll::shared_library& library) {
  if (library.has("attn_provider_entry_v0")) {
    return {LibraryState::abi_too_old, "speaks only provider ABI 0; build it against this version"};
  }
  for (unsigned major = ATTN_ABI_MAJOR + 1; major <= kNewestMajorLookedFor; ++major) {
    if (library.has(fmt::format("attn_provider_entry_v{}", major))) {
      return {LibraryState::abi_too_new,
              fmt::format("speaks provider ABI {}, this host {}; update attnbench", major,
                          ATTN_ABI_MAJOR)};
    }
  }
  return {LibraryState::missing_entry,
          fmt::format("does not export {}, so it is no provider", kEntryName)};
}

}  // namespace

struct ProviderLibrary::Loaded {
  boost::dll::shared_library library;
};

ProviderLibrary::ProviderLibrary(const std::filesystem::path& path)
    : loaded_(std::make_unique<Loaded>()) {
  if (const std::optional<LibraryFault> fault = find_elf_fault(path)) throw LibraryError(*fault);
  try {
    // Canonical: "$ORIGIN" of a symlink's target, and never a search along the library path.
    loaded_->library.load(std::filesystem::canonical(path),
                          boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  } catch (const std::system_error& error) {
    throw LibraryError(fault_of_dlerror(dlerror_text(error.what())));
  }
  if (!loaded_->library.has(kEntryName)) {
    throw LibraryError(fault_of_missing_entry(loaded_->library));
  }
  entry_ = &loaded_->library.get<const attn_provider_api*(uint32_t, uint32_t)>(kEntryName);
  api_ = entry_(0, ATTN_ABI_MINOR);
  if (const std::optional<LibraryFault> fault = find_table_fault(api_)) throw LibraryError(*fault);
}

ProviderLibrary::~ProviderLibrary() = default;

const attn_provider_desc* ProviderLibrary::find(const std::string& id) const {
  for (uint32_t i = 0; i < api_->num_providers; ++i) {
    if (api_->providers[i]->id == id) return api_->providers[i];
  }
  return nullptr;
}

std::vector<ProviderInfo> ProviderLibrary::infos() const {
  std::vector<ProviderInfo> infos;
  for (uint32_t i = 0; i < api_->num_providers; ++i) {
    infos.push_back(info_from(*api_, *api_->providers[i]));
  }
  return infos;
}

Usability ProviderLibrary::probe(const std::string& id, const attn_device& device,
                                 const std::string& device_text) const {
  ErrorRecord error;
  int32_t score = 0;
  const attn_status status = api_->probe(id.c_str(), &device, &score, error.get());
  if (status != ATTN_OK) return {device_text, 0, error.failure(status).what()};
  if (score < 1 || score > 100) {
    return {device_text, 0, fmt::format("its probe answers the score {}, not 1 to 100", score)};
  }
  return {device_text, score, ""};
}

}  // namespace attnbench
