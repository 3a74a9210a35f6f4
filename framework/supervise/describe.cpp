#include "supervise/describe.h"

#include <fmt/format.h>

#include <atomic>
#include <map>

#include "supervise/description_cache.h"
#include "supervise/worker_client.h"

namespace attnbench {
namespace {

ProviderInfo broken_row(LibraryState state, std::string reason) {
  ProviderInfo info;
  info.state = state;
  info.reason = std::move(reason);
  return info;
}

ProviderInfo row_of(const Death& death) {
  const bool hung = death.outcome == Outcome::timed_out;
  return broken_row(hung ? LibraryState::hung : LibraryState::crashed, death.message);
}

std::vector<ProviderInfo> describe_file(const FileIdentity& file,
                                        const DescribeSettings& settings) {
  const std::atomic<bool> never_stopped = false;
  WorkerClient worker(settings.worker, "describe", never_stopped);
  Answer<HelloReply> hello = worker.hello();
  if (const Death* death = std::get_if<Death>(&hello)) return {row_of(*death)};
  if (const Failure* failure = std::get_if<Failure>(&hello)) {
    return {broken_row(LibraryState::load_failed, failure->message)};
  }
  Answer<DescribeReply> answer = worker.call(DescribeRequest{file.path, settings.devices});
  if (const Death* death = std::get_if<Death>(&answer)) return {row_of(*death)};
  if (const Failure* failure = std::get_if<Failure>(&answer)) {
    return {broken_row(LibraryState::load_failed, failure->message)};
  }
  std::vector<ProviderInfo> rows = std::get<DescribeReply>(std::move(answer)).providers;
  if (rows.empty()) rows = {broken_row(LibraryState::bad_table, "the table lists no provider")};
  return rows;
}

bool is_worth_asking_again(const std::vector<ProviderInfo>& rows) {
  for (const ProviderInfo& row : rows) {
    if (row.state == LibraryState::crashed || row.state == LibraryState::hung) return true;
  }
  return false;
}

std::vector<ProviderInfo> rows_of(const FileIdentity& file, DescriptionCache& cache,
                                  const DescribeSettings& settings) {
  const std::vector<ProviderInfo>* known = cache.find(file);
  const bool asks_again = settings.asks_anew || (known != nullptr && settings.retry_failures &&
                                                 is_worth_asking_again(*known));
  if (known != nullptr && !asks_again) return *known;
  std::vector<ProviderInfo> rows = describe_file(file, settings);
  for (ProviderInfo& row : rows) {
    row.path = file.path;
    row.sha256 = file.sha256;
  }
  cache.add(file, rows);
  return rows;
}

// The first in search order keeps the id.
void mark_shadowed(std::vector<ProviderInfo>& rows) {
  std::map<std::string, std::string> path_of_id;
  for (ProviderInfo& row : rows) {
    if (row.state != LibraryState::ok) continue;
    const auto [first, is_new] = path_of_id.emplace(row.id, row.path);
    if (is_new) continue;
    row.state = LibraryState::shadowed;
    row.reason =
        fmt::format("{} has the same id and comes first on the search path", first->second);
  }
}

}  // namespace

std::vector<ProviderInfo> describe_providers(const Discovery& discovery,
                                             const DescribeSettings& settings) {
  DescriptionCache cache(settings.cache_file, settings.worker.executable, settings.devices);
  std::vector<ProviderInfo> rows;
  for (const FileIdentity& file : discovery.files) {
    for (ProviderInfo& row : rows_of(file, cache, settings)) rows.push_back(std::move(row));
  }
  cache.save();
  for (const RefusedPlace& place : discovery.refused) {
    rows.push_back(broken_row(LibraryState::load_failed, place.reason));
    rows.back().path = place.path;
  }
  mark_shadowed(rows);
  return rows;
}

}  // namespace attnbench
