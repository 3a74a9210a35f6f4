#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(std::string_view verb, const fs::path& path, int error_number) {
  std::string hint;
  if (error_number == ENOSPC || error_number == EDQUOT) hint = "free some space";
  if (error_number == EFBIG) hint = "raise the file size limit (ulimit -f)";
  if (error_number == EROFS || error_number == EACCES) hint = "choose a writable directory";
  throw Error(fmt::format("cannot {} {}: {}", verb, path.string(), std::strerror(error_number)),
              hint);
}

// Normally one write(2). A short write is followed up, if only to learn its reason.
// Returns 0, or the errno that stopped it.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

int sync_to_disk(int descriptor) {
  return ::fsync(descriptor) == 0 ? 0 : errno;
}

// Makes the directory entry itself durable: without it a rename can be lost with the power.
void sync_directory_of(const fs::path& path) {
  const fs::path directory = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open()) fail("open", directory, errno);
  // Some network file systems know no fsync of a directory and say EINVAL.
  const int error_number = sync_to_disk(opened.get());
  if (error_number != 0 && error_number != EINVAL) fail("sync", directory, error_number);
}

}  // namespace

std::string read_file(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) fail("open", path, errno);
  std::string text;
  char chunk[1 << 16];
  while (true) {
    const ssize_t got = ::read(file.get(), chunk, sizeof(chunk));
    if (got == 0) return text;
    if (got > 0) {
      text.append(chunk, static_cast<size_t>(got));
    } else if (errno != EINTR) {
      fail("read", path, errno);
    }
  }
}

void replace_file(const fs::path& path, std::string_view text) {
  const fs::path temporary = fmt::format("{}.{}.tmp", path.string(), ::getpid());
  const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  Descriptor file(::open(temporary.c_str(), flags, 0666));
  if (!file.is_open()) fail("create", temporary, errno);
  int error_number = write_all(file.get(), text);
  if (error_number == 0) error_number = sync_to_disk(file.get());
  file.close();
  if (error_number == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error_number = errno;
  if (error_number != 0) {
    ::unlink(temporary.c_str());
    fail("write", path, error_number);
  }
  sync_directory_of(path);
}

AppendFile::AppendFile(const fs::path& path)
    : path_(path),
      descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (!descriptor_.is_open()) fail("open", path_, errno);
}

void AppendFile::append(std::string_view text) {
  const off_t former_length = ::lseek(descriptor_.get(), 0, SEEK_END);
  int error_number = write_all(descriptor_.get(), text);
  if (error_number == 0) error_number = sync_to_disk(descriptor_.get());
  if (error_number == 0) return;
  // If the cut fails too, a torn line stays; readers of such files cut it off themselves.
  [[maybe_unused]] const int ignored = ::ftruncate(descriptor_.get(), former_length);
  fail("append to", path_, error_number);
}

}  // namespace attnbench
