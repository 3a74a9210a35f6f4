// Facts about calls made when the directory for compiled kernels cannot be trusted or written to.
#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "worker/contract_groups.h"
#include "worker/process_limit.h"

namespace attnbench {
namespace {

// A disk that takes nothing more.
class FullDisk {
 public:
  FullDisk() : limit_(RLIMIT_FSIZE), former_action_(signal(SIGXFSZ, SIG_IGN)) { limit_.set(0); }
  FullDisk(const FullDisk&) = delete;  // it puts back what it found once
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    limit_.set(RLIM_INFINITY);
    signal(SIGXFSZ, former_action_);
  }

 private:
  ProcessLimit limit_;
  sighandler_t former_action_;
};

enum class Damage { changed, cut, emptied };

void damage_files(const std::filesystem::path& directory, Damage damage) {
  std::error_code none;  // no directory: nothing was kept
  for (const std::filesystem::directory_entry& entry :
       std::filesystem::recursive_directory_iterator(directory, none)) {
    if (!entry.is_regular_file()) continue;
    std::string bytes = read_file(entry.path());
    if (damage == Damage::changed) {
      for (size_t i = bytes.size() / 2; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>(~bytes[i]);
    } else {
      bytes.resize(damage == Damage::cut ? bytes.size() / 2 : 0);
    }
    std::ofstream(entry.path(), std::ios::binary | std::ios::trunc) << bytes;
  }
}

// A pass by an instance of its own whose host offers `directory`; what came of it, if it came.
class CachedPass {
 public:
  CachedPass(ContractStage& stage, const std::filesystem::path& directory)
      : stage_(stage),
        host_(stage.channel(), {{"threads", "2"}, {"cache_dir", directory.string()}}) {}

  std::vector<float> make(const std::string& about) {
    const attn_provider_api& api = stage_.api();
    attn_create_args args = stage_.create_args();
    args.host = &host_.get();
    attn_instance* instance = nullptr;
    stage_.ask("create with " + about, Phase::create,
               [&](attn_error* error) { return api.create(&args, &instance, error); });
    if (instance == nullptr) return {};
    std::vector<float> rows = plan_and_execute(instance, about);
    stage_.destroy(instance);
    return rows;
  }
  bool uses_cache() const { return host_.has_told_cache_dir(); }

 private:
  std::vector<float> plan_and_execute(attn_instance* instance, const std::string& about) {
    const attn_plan_args& args = stage_.plan_args();
    attn_plan* plan = nullptr;
    stage_.ask("plan_create with " + about, Phase::plan_create, [&](attn_error* error) {
      return stage_.api().plan_create(instance, &args, &plan, error);
    });
    if (plan == nullptr) return {};
    const Buffer workspace = stage_.make_workspace(stage_.info(plan));
    const attn_execute_args pass = stage_.execute_args(workspace);
    stage_.poison_outputs();
    const attn_status status =
        stage_.ask("execute with " + about, Phase::execute,
                   [&](attn_error* error) { return stage_.api().execute(plan, &pass, error); });
    std::vector<float> rows;
    if (status == ATTN_OK) rows = stage_.output();
    stage_.destroy(plan);
    return rows;
  }

  ContractStage& stage_;
  HostTable host_;
};

}  // namespace

void ask_to_fill_cache(ContractStage& stage) {
  CachedPass(stage, stage.request().cache_dir).make("a new cache");
}

// The order matters: what a process has once loaded it need not read again, so the damaged files
// come first, and the worst damage first.
void ask_with_bad_caches(ContractStage& stage) {
  const std::filesystem::path cache = stage.request().cache_dir;
  std::vector<std::pair<std::string, std::vector<float>>> passes;
  const auto pass = [&](const std::filesystem::path& directory, const std::string& about) {
    CachedPass one(stage, directory);
    passes.emplace_back(about, one.make(about));
    return one.uses_cache();
  };
  damage_files(cache, Damage::changed);
  if (!pass(cache, "changed files in its cache")) {
    return stage.nothing_to_ask("it never asks for cache_dir, so it keeps nothing there");
  }
  damage_files(cache, Damage::cut);
  pass(cache, "files cut in half in its cache");
  damage_files(cache, Damage::emptied);
  pass(cache, "empty files in its cache");
  std::ofstream("a_file") << "no directory";
  pass(std::filesystem::absolute("a_file") / "kernels", "a cache that cannot be made");
  {
    const FullDisk full;
    pass(std::filesystem::absolute("full"), "a full disk");
  }
  stage.execute(stage.plan(), stage.execute_args());
  const std::vector<float> sound = stage.output();
  for (const auto& [about, rows] : passes) {
    if (rows.empty()) continue;
    stage.note(fmt::format("a pass with {} gives the same answer", about),
               ContractStage::is_close(rows, sound));
  }
}

}  // namespace attnbench
