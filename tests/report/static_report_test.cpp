#include "report/static_report.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "report/figures.h"
#include "support/catch.h"
#include "support/golden.h"
#include "support/scratch.h"
#include "sweep/find.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

Gnuplot installed_gnuplot() {
  Gnuplot gnuplot;
  const char* path = std::getenv("PATH");
  gnuplot.environment = {"LC_ALL=C", std::string("PATH=") + (path == nullptr ? "" : path)};
  for (const std::string& entry : split(path == nullptr ? "" : path, ':')) {
    if (gnuplot.executable.empty() && fs::exists(fs::path(entry) / "gnuplot")) {
      gnuplot.executable = fs::path(entry) / "gnuplot";
    }
  }
  return gnuplot;
}

// scripts/packages.txt has gnuplot, so a machine without it is not set up.
Gnuplot required_gnuplot() {
  const Gnuplot gnuplot = installed_gnuplot();
  REQUIRE_FALSE(gnuplot.executable.empty());
  return gnuplot;
}

// Width and height out of a PNG's header, as "640x480".
std::string png_size(const fs::path& file) {
  const std::string bytes = read_file(file);
  if (bytes.size() < 24 || bytes.compare(0, 8, "\x89PNG\r\n\x1a\n") != 0) return "no PNG";
  const auto number = [&bytes](size_t at) {
    int value = 0;
    for (size_t i = at; i < at + 4; ++i) value = value * 256 + static_cast<unsigned char>(bytes[i]);
    return std::to_string(value);
  };
  return number(16) + "x" + number(20);
}

double cpu_seconds(int who) {
  rusage usage{};
  getrusage(who, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

size_t files_in(const fs::path& directory, const std::string& ending) {
  return static_cast<size_t>(std::count_if(
      fs::directory_iterator(directory), fs::directory_iterator(),
      [&](const fs::directory_entry& entry) { return entry.path().extension() == ending; }));
}

Sweep headline_sweep() {
  Sweep sweep = parse_sweep(read_file(fs::path(ATTNBENCH_SOURCE_DIR) / "sweeps/mha_full.toml"),
                            "mha_full.toml");
  for (Axis& axis : sweep.axes) {
    if (axis.names.front() != "seqlen") axis.rows.resize(1);
  }
  return sweep;
}

}  // namespace

TEST_CASE("a report has the seed's file names, a picture of 640x480 and a page", "[report]") {
  const Scratch scratch;
  const Plan plan = expand(headline_sweep(), {}, {"cuda:0"});
  const StaticReport report = write_static_report(Json::object(), plan, records_of(plan, 4),
                                                  scratch.path(), required_gnuplot());
  CHECK(report.plots == 1);
  CHECK(report.warning == "");
  const fs::path folder = scratch / "report";
  const std::string name =
      "batch_size=1-bias=True-headdim=64-num_heads=8-blocksize_q=32-blocksize_k=32-mode=bwd";
  CHECK(png_size(folder / (name + ".png")) == "640x480");
  CHECK(read_file(folder / (name + ".csv"))
            .find("seqlen,Triton-BlockPtr,Triton-PtrBlock,Jax\n"
                  "1024.000000,") == 0);
  CHECK(fs::exists(scratch / kSummaryFile));
  CHECK_FALSE(fs::exists(folder / "gnuplot.log"));
  check_golden("report/golden/results.html", read_file(folder / kPicturesFile));
  CHECK(report.page == folder / "index.html");
  CHECK(fs::file_size(report.page) > 0);
}

TEST_CASE("without gnuplot all but the pictures is written, and one line says what to install",
          "[report]") {
  const Scratch scratch;
  const Plan plan = expand(headline_sweep(), {}, {"cuda:0"});
  const StaticReport report =
      write_static_report(Json::object(), plan, {}, scratch.path(), Gnuplot{});
  CHECK(report.warning.find("apt-get install gnuplot-nox") != std::string::npos);
  CHECK(files_in(scratch / "report", ".csv") == 1);
  CHECK(files_in(scratch / "report", ".png") == 0);
  CHECK(read_file(scratch / "report" / kPicturesFile).find("<img") == std::string::npos);
}

TEST_CASE("hostile names do nothing but stand there", "[report]") {
  const Scratch scratch;
  const Plan plan = expand(hostile_sweep(), {}, {"cpu"});
  const StaticReport report = write_static_report(Json::object(), plan, records_of(plan, 3),
                                                  scratch.path(), required_gnuplot());
  CHECK(report.warning == "");
  CHECK(png_size(scratch / "report" / (plan.sweep().plot.name_template + ".png")) == "640x480");
  CHECK(files_in(scratch / "report", ".png") == 1);
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(scratch.path())) {
    INFO(entry.path());
    CHECK(entry.path().filename() != "pwned");
  }
  const std::string page = read_file(scratch / "report" / kPicturesFile);
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("src=\"./%7Ctouch%20pwned") != std::string::npos);
}

TEST_CASE("a gnuplot that fails or hangs costs the pictures and says so", "[report]") {
  const Scratch scratch;
  const Plan plan = expand(headline_sweep(), {}, {"cuda:0"});
  const auto warning = [&](const char* executable, double limit_s) {
    return write_static_report(Json::object(), plan, {}, scratch.path(), {executable, {}, limit_s})
        .warning;
  };
  CHECK(warning("/bin/false", 60.0).find("pictures are missing: gnuplot failed") == 0);
  CHECK(warning("/nowhere/gnuplot", 60.0).find("No such file") != std::string::npos);
  const fs::path slow = scratch / "slow";
  replace_file(slow, "#!/bin/sh\nexec sleep 100\n");
  fs::permissions(slow, fs::perms::owner_all);
  CHECK(warning(slow.c_str(), 0.1).find("not done after 0.1 s") != std::string::npos);
}

TEST_CASE("a directory that cannot be written is an Error that leaves the records alone",
          "[report]") {
  const Scratch scratch;
  const Plan plan = expand(headline_sweep(), {}, {"cuda:0"});
  replace_file(scratch / "report", "a file is in the way");
  CHECK_THROWS_AS(write_static_report(Json::object(), plan, {}, scratch.path(), Gnuplot{}), Error);
}

// By the CPU's clock, so that a busy machine does not make it fail; gnuplot's part apart, since a
// sanitizer slows down only ours.
TEST_CASE("the seed's 972 plots take less than 15 seconds of a CPU", "[report][slow]") {
  const Scratch scratch;
  const Plan plan = expand(
      parse_sweep(read_file(fs::path(ATTNBENCH_SOURCE_DIR) / "sweeps/mha_full.toml"), "mha_full"),
      {}, {"cuda:0"});
  const std::vector<Record> records = records_of(plan, 10);
  const double own_before = cpu_seconds(RUSAGE_SELF);
  const double gnuplot_before = cpu_seconds(RUSAGE_CHILDREN);
  const StaticReport report =
      write_static_report(Json::object(), plan, records, scratch.path(), required_gnuplot());
  const double own_s = cpu_seconds(RUSAGE_SELF) - own_before;
  const double gnuplot_s = cpu_seconds(RUSAGE_CHILDREN) - gnuplot_before;
  INFO("ours " << own_s << " s, gnuplot's " << gnuplot_s << " s");
  CHECK(report.warning == "");
  CHECK(files_in(scratch / "report", ".png") == 972);
  CHECK(files_in(scratch / "report", ".csv") == 972);
  CHECK(gnuplot_s < 15.0);
#ifndef __SANITIZE_ADDRESS__
  CHECK(own_s + gnuplot_s < 15.0);
#endif
}

}  // namespace attnbench
