// flash_cells: compiles the flash providers' kernels for GPUs that need not be here, and holds what
// the compiler reports against providers/kernel_kit/budgets.txt.
//
//   flash_cells [--provider ID] [--arch 90] [--all-cells] [--auto] [--jobs 2] [--cache DIRECTORY]
//               [--tile BLOCK_Q,BLOCK_K,NUM_WARPS,NUM_STAGES [--switches TRUST=0,..]]
//
// Without --all-cells: for sm_90a each fp16 forward tile with and without bias, and the tile that
// `auto` takes, forward and backward, causal too, there and on the other architectures; for sm_90a
// `auto` also with a bias and tails, and both with and without a last round to deal out. With it:
// bf16, causal and tails in each tile, forward and backward, and with a bias of rows that wgmma's
// kernels cannot read. With --auto: the tiles of `auto` alone. With --tile (0: auto): the forward
// cells with that tile, and these switches, refusals allowed. Into attnbench's own cache directory,
// it spares a later run its compilations.
// Exit status: 0 all within budget, 1 something is not, 2 wrong use.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>

#include "block_ptr/engines.h"
#include "kernel_kit/choose.h"
#include "kernel_kit/compile.h"
#include "ptr_block/engines.h"

namespace kernel_kit {
namespace {

struct Flash {
  const char* id;
  Engines engines;
  std::span<const TextFile> texts;
};

// What a block may opt in to, and multiprocessors, of a usual card of each capability; 990 stands
// for a GPU to come, which gets PTX.
constexpr Target kTargets[] = {{80, 166912, 108}, {86, 101376, 84},   {89, 101376, 128},
                               {90, 232448, 132}, {100, 232448, 148}, {120, 101376, 170},
                               {990, 101376, 200}};

struct Settings {
  std::string provider;
  int arch = 0;  // 0: all
  bool has_all_cells = false;
  bool has_auto_only = false;
  std::optional<Tile> tile;
  std::vector<std::string> switches;
  int num_jobs = 1;
  std::string cache_directory;
};

// A line of budgets.txt: what is allowed beyond nothing.
struct Budget {
  std::string engine, arch, head_dim, block_q, block_k, bias;  // "*": any
  int spill_bytes = 0;
  std::string warnings;  // "C7519,C7512" or "-"
};

std::vector<Budget> read_budgets() {
  std::ifstream file(ATTNBENCH_SOURCE_DIR "/providers/kernel_kit/budgets.txt");
  std::vector<Budget> budgets;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    Budget b;
    if (words >> b.engine >> b.arch >> b.head_dim >> b.block_q >> b.block_k >> b.bias >>
        b.spill_bytes >> b.warnings) {
      budgets.push_back(b);
    }
  }
  return budgets;
}

Budget budget_for(const std::vector<Budget>& budgets, const Choice& choice) {
  const Cell& cell = choice.cell;
  const auto fits = [](const std::string& pattern, const std::string& value) {
    return pattern == "*" || pattern == value;
  };
  for (const Budget& b : budgets) {
    if (fits(b.engine, choice.engine->name) &&
        fits(b.arch, std::to_string(cell.target.compute_capability)) &&
        fits(b.head_dim, std::to_string(cell.head_dim)) &&
        fits(b.block_q, std::to_string(cell.tile.block_q)) &&
        fits(b.block_k, std::to_string(cell.tile.block_k)) &&
        fits(b.bias, cell.has_bias ? "1" : "0")) {
      return b;
    }
  }
  return {};
}

// Lengths off every tile. A bias of odd rows begins at no multiple of 16 bytes: mma.sync serves it.
enum class Tails { none, even, odd };

struct Wanted {
  Cell cell;
  Tails tails = Tails::none;
  bool fills_rounds =
      false;  // as many heads as multiprocessors: there is no last round to deal out
};

// 4 x 16 heads of 4096 rows in BSHD; with tails, 4095 rows (and 4088 or 4095 keys) of a head_dim 8
// short.
Problem example(const Wanted& wanted) {
  const Cell& cell = wanted.cell;
  const Tails tails = wanted.tails;
  const bool has_tails = tails != Tails::none;
  Problem problem{};
  AttentionArguments& a = problem.arguments;
  a.batch = 4;
  a.heads = a.kv_heads = wanted.fills_rounds ? cell.target.num_multiprocessors / 4 : 16;
  a.seqlen_q = has_tails ? 4095 : 4096;
  a.seqlen_kv = tails == Tails::even ? 4088 : a.seqlen_q;
  a.head_dim = has_tails ? cell.head_dim - 8 : cell.head_dim;
  a.scale = 1.0f / std::sqrt(static_cast<float>(a.head_dim));
  const int64_t row = int64_t{a.heads} * a.head_dim;
  const AttentionTensor rows = {nullptr, row * a.seqlen_q, a.head_dim, row};
  a.q = a.k = a.v = a.o = a.grad_o = a.grad_q = a.grad_k = a.grad_v = rows;
  if (cell.has_bias) {
    a.bias = {nullptr, int64_t{a.seqlen_q} * a.seqlen_kv, 0, a.seqlen_kv};
    problem.bias_row_alignment_bytes = tails == Tails::odd ? 2 : 16;
  }
  a.lse_batch_stride = int64_t{a.heads} * a.seqlen_q;
  a.lse_head_stride = a.seqlen_q;
  return problem;
}

void add_tiles(std::vector<Wanted>& wanted, Cell cell, Tails tails, bool has_all_tiles) {
  cell.tile = {};
  wanted.push_back({cell, tails});
  if (cell.target.has_wgmma() && !cell.is_backward && !cell.is_causal && cell.head_dim > 64) {
    wanted.push_back({cell, tails, true});
  }
  if (!has_all_tiles) return;
  for (const int block_q : {32, 64, 128}) {
    for (const int block_k : {32, 64, 128}) {
      cell.tile = {.block_q = block_q, .block_k = block_k};
      wanted.push_back({cell, tails});
    }
  }
}

// A cell's tiles; with --all-cells for bf16, causal and tails too.
void add_cells(std::vector<Wanted>& wanted, const Settings& settings, Cell cell) {
  const bool is_hopper = cell.target.has_wgmma();
  const bool has_all_tiles =
      is_hopper && !settings.has_auto_only && (settings.has_all_cells || !cell.is_backward);
  add_tiles(wanted, cell, Tails::none, has_all_tiles);
  if (!settings.has_all_cells) {
    if (is_hopper && cell.has_bias) return add_tiles(wanted, cell, Tails::even, false);
    cell.is_causal = true;
    if (is_hopper) add_tiles(wanted, cell, Tails::none, false);
    return;
  }
  for (int variant = 1; variant < 8; ++variant) {
    cell.is_bf16 = variant & 1;
    cell.is_causal = variant & 2;
    add_tiles(wanted, cell, variant & 4 ? Tails::even : Tails::none, has_all_tiles);
    if (variant & 4 && cell.has_bias) add_tiles(wanted, cell, Tails::odd, has_all_tiles);
  }
}

std::vector<Wanted> cells_of(const Settings& settings) {
  std::vector<Wanted> wanted;
  for (const Target& target : kTargets) {
    if (settings.arch != 0 && settings.arch != target.compute_capability) continue;
    for (const bool is_backward : {false, true}) {
      if (is_backward && settings.tile) continue;
      for (const int head_dim : {64, 128, 256}) {
        for (const bool has_bias : {false, true}) {
          Cell cell;
          cell.target = target;
          cell.head_dim = head_dim;
          cell.is_backward = is_backward;
          cell.has_bias = has_bias;
          cell.switches = settings.switches;
          if (settings.tile) {
            cell.tile = *settings.tile;
            wanted.push_back({cell, Tails::none});
          } else {
            add_cells(wanted, settings, cell);
          }
        }
      }
    }
  }
  return wanted;
}

constexpr const char* kTailsText[] = {"", " tails", " odd tails"};

std::string title_of(const Flash& flash, const Wanted& wanted, const Choice& choice) {
  const Cell& cell = choice.cell;
  char line[200];
  std::snprintf(line, sizeof line, "%-9s %-24s %3d %-8s %-4s d%-3d q%-3d k%-3d w%-2d s%d%s%s%s%s",
                flash.id, choice.engine ? choice.engine->name : "-", cell.target.compute_capability,
                cell.is_backward ? "backward" : "forward", cell.is_bf16 ? "bf16" : "fp16",
                cell.head_dim, cell.tile.block_q, cell.tile.block_k, cell.tile.num_warps,
                cell.tile.num_stages, cell.has_bias ? " bias" : "", cell.is_causal ? " causal" : "",
                kTailsText[static_cast<int>(wanted.tails)], cell.deals_last_round ? " dealt" : "");
  return line;
}

// What is wrong with a compiled cell; empty if nothing is.
std::string check_budget(const Budget& budget, const Report& report) {
  for (const KernelReport& kernel : report.kernels) {
    if (kernel.spill_bytes <= budget.spill_bytes) continue;
    return attn::text(kernel.name, " spills ", kernel.spill_bytes, " B, budget ",
                      budget.spill_bytes, " B");
  }
  for (const std::string& warning : report.warnings) {
    if (budget.warnings.find(warning) == std::string::npos)
      return warning + " is not in the budget";
  }
  return {};
}

// TMA is what tells the two designs apart on Hopper; the tile that `auto` takes stands for all.
std::string check_tma(const Flash& flash, const Compiler& compiler, const Choice& choice) {
  const bool has_tma =
      compiler.ptx(*choice.engine, choice.cell).find("cp.async.bulk.tensor") != std::string::npos;
  const bool is_block_ptr = std::string(flash.id) == "block_ptr";
  if (has_tma && !is_block_ptr) return "its PTX uses TMA";
  const bool is_wgmma = std::string(choice.engine->name).starts_with("wgmma");
  if (!has_tma && is_block_ptr && is_wgmma) return "its PTX uses no TMA";
  return {};
}

// Prints a line; returns false if the cell is not as it should be.
bool check_cell(const Flash& flash, const std::vector<Budget>& budgets, Compiler& compiler,
                const Wanted& wanted, bool may_be_refused) {
  const Problem problem = example(wanted);
  const Choice choice =
      choose(wanted.cell.is_backward ? flash.engines.backward : flash.engines.forward, problem,
             wanted.cell);
  std::string trouble, facts;
  if (choice.answer.status != ATTN_OK) {
    // On Hopper every forward tile must run; elsewhere, and backward, a limit is an answer.
    const bool is_answer = ATTN_CLASS(choice.answer.status) == 4 &&
                           (wanted.cell.is_backward || !wanted.cell.target.has_wgmma());
    facts = "  refused: " + choice.answer.message;
    if (!is_answer && !may_be_refused) trouble = "must be served";
  } else {
    const auto begin = std::chrono::steady_clock::now();
    try {
      const Report& report = compiler.get(*choice.engine, choice.cell).report;
      for (const KernelReport& kernel : report.kernels) {
        facts += attn::text("  ", kernel.name, " ", kernel.registers, " reg ", kernel.spill_bytes,
                            " spill");
      }
      for (const std::string& warning : report.warnings) facts += " " + warning;
      trouble = check_budget(budget_for(budgets, choice), report);
      const bool is_auto = wanted.cell.tile.block_q == 0;
      if (trouble.empty() && is_auto) trouble = check_tma(flash, compiler, choice);
    } catch (const attn::Failure& failure) {
      trouble = failure.what();
    }
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "  %.1f s", spent.count());
    facts += seconds;
  }
  std::string line = title_of(flash, wanted, choice) + facts;
  if (!trouble.empty()) line += "  FAILED: " + trouble;
  std::puts(line.c_str());
  std::fflush(stdout);
  return trouble.empty();
}

// Every num_jobs-th cell, from `job` on.
bool check_share(const Settings& settings, int job) {
  const Flash all[] = {{"ptr_block", ptr_block::engines(), ptr_block::texts()},
                       {"block_ptr", block_ptr::engines(), block_ptr::texts()}};
  const std::vector<Budget> budgets = read_budgets();
  bool is_good = true;
  int number = 0;
  for (const Flash& flash : all) {
    if (!settings.provider.empty() && settings.provider != flash.id) continue;
    const Cache cache =
        settings.cache_directory.empty() ? Cache() : Cache(settings.cache_directory);
    Compiler compiler(Texts(flash.texts), cache, [](const std::string&) {});
    for (const Wanted& wanted : cells_of(settings)) {
      if (number++ % settings.num_jobs != job) continue;
      is_good &= check_cell(flash, budgets, compiler, wanted, settings.tile.has_value());
    }
  }
  return is_good;
}

// Processes, as NVRTC compiles one kernel at a time in each.
bool check_all(const Settings& settings) {
  std::vector<pid_t> jobs;
  for (int job = 0; job < settings.num_jobs; ++job) {
    const pid_t child = fork();
    if (child == 0) _exit(check_share(settings, job) ? 0 : 1);
    jobs.push_back(child);
  }
  bool is_good = true;
  for (const pid_t job : jobs) {
    int status = -1;
    waitpid(job, &status, 0);
    is_good &= status == 0;
  }
  return is_good;
}

bool read_settings(int num_words, char** words, Settings& settings) {
  for (int i = 1; i < num_words; ++i) {
    const std::string word = words[i];
    if (word == "--all-cells" || word == "--auto") {
      (word == "--auto" ? settings.has_auto_only : settings.has_all_cells) = true;
      continue;
    }
    if (++i == num_words) return false;
    if (word == "--provider") {
      settings.provider = words[i];
    } else if (word == "--arch") {
      settings.arch = std::atoi(words[i]);
    } else if (word == "--tile") {
      Tile& tile = settings.tile.emplace();
      if (std::sscanf(words[i], "%d,%d,%d,%d", &tile.block_q, &tile.block_k, &tile.num_warps,
                      &tile.num_stages) != 4) {
        return false;
      }
    } else if (word == "--switches") {
      std::istringstream list(words[i]);
      for (std::string item; std::getline(list, item, ',');) settings.switches.push_back(item);
    } else if (word == "--jobs") {
      settings.num_jobs = std::max(1, std::atoi(words[i]));
    } else if (word == "--cache") {
      settings.cache_directory = words[i];
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace kernel_kit

int main(int num_words, char** words) {
  kernel_kit::Settings settings;
  if (!kernel_kit::read_settings(num_words, words, settings)) {
    std::fputs(
        "usage: flash_cells [--provider ID] [--arch 90] [--all-cells] [--auto] [--jobs 2] "
        "[--cache DIRECTORY] [--tile Q,K,WARPS,STAGES [--switches NAME=NUMBER,..]]\n",
        stderr);
    return 2;
  }
  try {
    const kernel_kit::Nvrtc found;
  } catch (const attn::Failure& failure) {
    std::printf("SKIPPED: %s\n", failure.what());
    return 0;
  }
  return kernel_kit::check_all(settings) ? 0 : 1;
}
