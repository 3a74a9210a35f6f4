#include "cli/environment.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>

#include "base/text.h"
#include "supervise/worker_process.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The first executable of this name on PATH; empty: none. Relative entries would make it depend on
// where one stands, so they do not count.
fs::path find_on_path(const char* name) {
  for (const std::string& entry : split(variable("PATH"), ':')) {
    const fs::path candidate = fs::path(entry) / name;
    if (candidate.is_absolute() && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

// An XDG directory: a relative value is to be ignored (XDG Base Directory Specification).
fs::path xdg_directory(const char* name, const char* below_home) {
  const fs::path set = variable(name);
  if (set.is_absolute()) return set;
  const fs::path home = variable("HOME");
  return home.is_absolute() ? home / below_home : fs::path();
}

LibraryHints read_library_hints() {
  LibraryHints hints;
  const auto add = [](const fs::path& directory, std::vector<fs::path>* to) {
    if (directory.is_absolute()) to->push_back(directory);
  };
  hints.loader_path = variable("LD_LIBRARY_PATH");
  add(variable("CUDA_HOME"), &hints.toolkits);
  add(variable("CUDA_PATH"), &hints.toolkits);
  hints.nvcc = find_on_path("nvcc");
  add(variable("VIRTUAL_ENV"), &hints.python_roots);
  add(variable("CONDA_PREFIX"), &hints.python_roots);
  add(fs::path(variable("HOME")) / ".local", &hints.python_roots);
  return hints;
}

void set_loader_path(const std::string& value, std::vector<std::string>* environment) {
  const std::string name = "LD_LIBRARY_PATH=";
  std::erase_if(*environment, [&](const std::string& entry) { return entry.starts_with(name); });
  if (!value.empty()) environment->push_back(name + value);
}

int columns_of(int descriptor) {
  const int from_variable = std::atoi(variable("COLUMNS").c_str());
  if (from_variable > 0) return from_variable;
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// https://no-color.org: any value but the empty one says no.
TerminalStyle style_of(int descriptor) {
  if (isatty(descriptor) == 0) return {};
  const bool wants_color = variable("NO_COLOR").empty() && variable("TERM") != "dumb";
  return {columns_of(descriptor), wants_color};
}

}  // namespace

Environment read_environment() {
  Environment environment;
  std::error_code failure;
  environment.executable_dir = fs::read_symlink("/proc/self/exe", failure).parent_path();
  if (failure) {
    throw Error("cannot tell where attnbench itself lies: " + failure.message(),
                "mount /proc: its worker and sweeps are found from there");
  }
  environment.config_home = xdg_directory("XDG_CONFIG_HOME", ".config");
  environment.data_home = xdg_directory("XDG_DATA_HOME", ".local/share");
  environment.cache_home = xdg_directory("XDG_CACHE_HOME", ".cache");
  environment.provider_path = variable("ATTNBENCH_PROVIDER_PATH");
  environment.worker_environment = pinned_environment(environ);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    environment.whole_environment.emplace_back(*entry);
  }
  environment.library_hints = read_library_hints();
  const std::string loader_path =
      worker_loader_path(environment.library_hints, find_libraries("/", environment.library_hints));
  set_loader_path(loader_path, &environment.worker_environment);
  set_loader_path(loader_path, &environment.whole_environment);
  environment.gnuplot = find_on_path("gnuplot");
  environment.xdg_open = find_on_path("xdg-open");
  const bool can_redraw = isatty(STDERR_FILENO) != 0 && variable("TERM") != "dumb";
  environment.progress = {can_redraw, style_of(STDERR_FILENO)};
  environment.output = style_of(STDOUT_FILENO);
  return environment;
}

fs::path find_worker(const Environment& environment) {
  const fs::path beside = environment.executable_dir / "attnbench-worker";
  const fs::path libexec =
      (environment.executable_dir / "../libexec/attnbench/attnbench-worker").lexically_normal();
  for (const fs::path& candidate : {beside, libexec}) {
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  throw Error(fmt::format("no worker at {} nor {}", beside.string(), libexec.string()),
              "build the target attnbench-worker, or install attnbench again");
}

std::vector<fs::path> sweep_directories(const Environment& environment) {
  // Ours first: "quick" means the same sweep for everybody.
  std::vector<fs::path> directories = {
      (environment.executable_dir / "../share/attnbench/sweeps").lexically_normal()};
  if (!environment.config_home.empty()) {
    directories.push_back(environment.config_home / "attnbench/sweeps");
  }
  return directories;
}

SearchPlaces provider_places(const Environment& environment,
                             const std::vector<fs::path>& from_flags) {
  SearchPlaces places;
  places.from_flags = from_flags;
  places.provider_path = environment.provider_path;
  places.data_home = environment.data_home;
  places.executable_dir = environment.executable_dir;
  places.install_dir = ATTNBENCH_INSTALL_PROVIDER_DIR;
  return places;
}

}  // namespace attnbench
