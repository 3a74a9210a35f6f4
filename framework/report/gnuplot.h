// gnuplot as a child process: one for a whole report, since starting it costs more than a picture.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace attnbench {

struct Gnuplot {
  std::filesystem::path executable;      // empty: not installed
  std::vector<std::string> environment;  // "NAME=value", all that it sees
  double limit_s = 600.0;
};

// Runs the script file `script` of `directory`, with the directory as the current one. The user's
// own settings (~/.gnuplot) are left aside. Nothing, or why it failed, in one line.
std::optional<std::string> run_gnuplot(const Gnuplot& gnuplot,
                                       const std::filesystem::path& directory,
                                       const std::string& script);

}  // namespace attnbench
