#include "supervise/description_cache.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

namespace attnbench {
namespace {

constexpr int kFormat = 1;

Json to_json(const FileIdentity& file) {
  return {{"path", file.path},         {"device", file.device},
          {"inode", file.inode},       {"size_bytes", file.size_bytes},
          {"mtime_ns", file.mtime_ns}, {"sha256", file.sha256}};
}

FileIdentity file_from_json(const Json& json) {
  return {json.at("path"),       json.at("device"),   json.at("inode"),
          json.at("size_bytes"), json.at("mtime_ns"), json.at("sha256")};
}

}  // namespace

DescriptionCache::DescriptionCache(std::filesystem::path file,
                                   const std::filesystem::path& worker_executable,
                                   const std::vector<std::string>& devices)
    : file_(std::move(file)) {
  if (file_.empty()) return;
  made_by_ = fmt::format("{} on {}", sha256_of_file(worker_executable), join(devices, " "));
  load();
}

void DescriptionCache::load() {
  std::error_code error;
  if (!std::filesystem::exists(file_, error)) return;
  try {
    const Json json = Json::parse(read_file(file_));
    if (json.at("format") != kFormat || json.at("made_by") != made_by_) return;
    for (const Json& stored : json.at("files")) {
      Entry entry;
      entry.file = file_from_json(stored.at("file"));
      for (const Json& row : stored.at("providers")) {
        entry.rows.push_back(provider_info_from_json(row));
      }
      entries_.emplace(entry.file.path, std::move(entry));
    }
  } catch (const std::exception&) {  // torn or from another version: described anew
    entries_.clear();
  }
}

const std::vector<ProviderInfo>* DescriptionCache::find(const FileIdentity& file) const {
  const std::map<std::string, Entry>::const_iterator found = entries_.find(file.path);
  if (found == entries_.end() || found->second.file != file) return nullptr;
  return &found->second.rows;
}

void DescriptionCache::add(const FileIdentity& file, const std::vector<ProviderInfo>& rows) {
  entries_.insert_or_assign(file.path, Entry{file, rows});
  is_changed_ = true;
}

void DescriptionCache::save() const {
  if (file_.empty() || !is_changed_) return;
  Json json = {{"format", kFormat}, {"made_by", made_by_}, {"files", Json::array()}};
  std::error_code error;
  for (const auto& [path, entry] : entries_) {
    if (!std::filesystem::exists(path, error)) continue;
    Json rows = Json::array();
    for (const ProviderInfo& row : entry.rows) rows.push_back(attnbench::to_json(row));
    json["files"].push_back({{"file", to_json(entry.file)}, {"providers", rows}});
  }
  std::filesystem::create_directories(file_.parent_path(), error);
  try {
    replace_file(file_, json.dump(1) + "\n");
  } catch (const Error&) {  // a read-only cache directory costs time, no more
  }
}

}  // namespace attnbench
