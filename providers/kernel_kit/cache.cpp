#include "kernel_kit/cache.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

#include "kernel_kit/sha256.h"

namespace kernel_kit {
namespace {

constexpr std::string_view kMagic = "attnbench kernel 1\n";
constexpr size_t kDigits = 64;

std::string failure(const char* doing, const std::filesystem::path& path) {
  return std::string(doing) + " " + path.string() + ": " + std::strerror(errno);
}

// Closes and, unless it was renamed, removes.
struct TemporaryFile {
  explicit TemporaryFile(const std::filesystem::path& beside)
      : path(beside.string() + ".XXXXXX"), handle(mkstemp(path.data())) {}
  ~TemporaryFile() {
    if (handle >= 0) close(handle);
    if (handle >= 0 && !is_renamed) unlink(path.c_str());
  }
  // One owner.
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  bool write_all(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(handle, bytes.data(), bytes.size());
      if (written < 0 && errno != EINTR) return false;
      if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
    }
    return true;
  }

  std::string path;
  int handle;
  bool is_renamed = false;
};

}  // namespace

std::optional<std::string> Cache::read(const std::string& key) const {
  if (directory_.empty()) return std::nullopt;
  std::ifstream file(directory_ / key, std::ios::binary);
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) return std::nullopt;
  const std::string bytes = std::move(content).str();
  const size_t header = kMagic.size() + kDigits + 1;
  if (bytes.size() < header || !bytes.starts_with(kMagic)) return std::nullopt;
  std::string payload = bytes.substr(header);
  if (sha256(payload) != bytes.substr(kMagic.size(), kDigits)) return std::nullopt;
  return payload;
}

std::string Cache::write(const std::string& key, const std::string& bytes) const {
  if (directory_.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) return "making " + directory_.string() + ": " + error.message();
  const std::filesystem::path path = directory_ / key;
  TemporaryFile file(path);
  if (file.handle < 0) return failure("making", file.path);
  const std::string header = std::string(kMagic) + sha256(bytes) + "\n";
  if (!file.write_all(header) || !file.write_all(bytes) || fsync(file.handle) != 0) {
    return failure("writing", file.path);
  }
  if (rename(file.path.c_str(), path.c_str()) != 0) return failure("naming", path);
  file.is_renamed = true;
  return {};
}

}  // namespace kernel_kit
