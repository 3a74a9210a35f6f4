// A run as an SQLite database, for questions that the page does not answer.
#pragma once

#include <filesystem>
#include <vector>

#include "base/json.h"
#include "model/record.h"

namespace attnbench {

// Replaces `file` when all is written. Throws Error if it cannot be.
void write_sqlite(const Json& run, const std::vector<Record>& records, const Sentinels& sentinels,
                  const std::filesystem::path& file);

}  // namespace attnbench
