// The tables: `run` (run.json), `trials` (a row each, columns as in results.jsonl), and what a
// trial has several of: `options`, `samples`, `errors`, `bursts`, `warnings`. Options have a table
// of their own, since a provider chooses their names, and SQLite takes "Mode" and "mode" for one.
#include "report/sqlite_export.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSchema = R"(
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
BEGIN;
CREATE TABLE run (document TEXT NOT NULL);
CREATE TABLE trials (
  trial_id TEXT PRIMARY KEY, provider TEXT NOT NULL, device TEXT, mode TEXT, dtype TEXT,
  batch INTEGER, heads INTEGER, kv_heads INTEGER, seqlen_q INTEGER, seqlen_kv INTEGER,
  head_dim INTEGER, layout TEXT, causal TEXT, bias TEXT, scale REAL,
  outcome TEXT NOT NULL, detail TEXT, message TEXT,
  median_ms REAL, ci_low_ms REAL, ci_high_ms REAL, min_ms REAL, p20_ms REAL, p80_ms REAL,
  mean_ms REAL, tflops REAL, gbps REAL, peak_fraction REAL, floor_ms REAL,
  sample_count INTEGER, warmup_calls INTEGER, stop_reason TEXT, prepare_ms REAL, max_error REAL,
  interleaved INTEGER, attempts INTEGER, provider_version TEXT, provider_sha256 TEXT,
  started_utc TEXT, wall_seconds REAL);
CREATE TABLE options (trial_id TEXT, name TEXT, value, PRIMARY KEY (trial_id, name));
CREATE TABLE samples (trial_id TEXT, position INTEGER, round INTEGER, ms REAL,
                      PRIMARY KEY (trial_id, position)) WITHOUT ROWID;
CREATE TABLE errors (trial_id TEXT, role TEXT, max_error REAL, allowed_error REAL, rows INTEGER);
CREATE TABLE bursts (trial_id TEXT, round INTEGER, sm_clock_mhz REAL, power_w REAL,
                     temperature_c REAL, state TEXT);
CREATE TABLE warnings (trial_id TEXT, warning TEXT);
)";

constexpr const char* kTrialColumns[] = {"trial_id",
                                         "provider",
                                         "device",
                                         "mode",
                                         "dtype",
                                         "batch",
                                         "heads",
                                         "kv_heads",
                                         "seqlen_q",
                                         "seqlen_kv",
                                         "head_dim",
                                         "layout",
                                         "causal",
                                         "bias",
                                         "scale",
                                         "outcome",
                                         "detail",
                                         "message",
                                         "median_ms",
                                         "ci_low_ms",
                                         "ci_high_ms",
                                         "min_ms",
                                         "p20_ms",
                                         "p80_ms",
                                         "mean_ms",
                                         "tflops",
                                         "gbps",
                                         "peak_fraction",
                                         "floor_ms",
                                         "sample_count",
                                         "warmup_calls",
                                         "stop_reason",
                                         "prepare_ms",
                                         "max_error",
                                         "interleaved",
                                         "attempts",
                                         "provider_version",
                                         "provider_sha256",
                                         "started_utc",
                                         "wall_seconds"};

class Database {
 public:
  explicit Database(const fs::path& file) {
    sqlite3* opened = nullptr;
    const int status = sqlite3_open(file.c_str(), &opened);
    database_.reset(opened);
    check(status);
  }

  void run(const char* statements) {
    check(sqlite3_exec(database_.get(), statements, nullptr, nullptr, nullptr));
  }

  // `statement` is SQL with a "?" for each value. Statements of one text are prepared once.
  void insert(const std::string& statement, const std::vector<Json>& values) {
    if (statement != prepared_text_) {
      sqlite3_stmt* prepared = nullptr;
      check(sqlite3_prepare_v2(database_.get(), statement.c_str(), -1, &prepared, nullptr));
      prepared_.reset(prepared);
      prepared_text_ = statement;
    }
    for (size_t i = 0; i < values.size(); ++i) bind(static_cast<int>(i + 1), values[i]);
    if (sqlite3_step(prepared_.get()) != SQLITE_DONE) check(SQLITE_ERROR);
    check(sqlite3_reset(prepared_.get()));
  }

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };

  void check(int status) {
    if (status == SQLITE_OK) return;
    throw Error(fmt::format("SQLite: {}", sqlite3_errmsg(database_.get())),
                "is the disk full, or the directory not writable?");
  }

  void bind(int index, const Json& value) {
    sqlite3_stmt* const statement = prepared_.get();
    if (value.is_null()) {
      check(sqlite3_bind_null(statement, index));
    } else if (value.is_number_float()) {
      check(sqlite3_bind_double(statement, index, value.get<double>()));
    } else if (value.is_boolean()) {
      check(sqlite3_bind_int64(statement, index, value.get<bool>() ? 1 : 0));
    } else if (value.is_number()) {
      check(sqlite3_bind_int64(statement, index, value.get<int64_t>()));
    } else {
      const std::string text = value.is_string() ? value.get<std::string>() : dump_json(value);
      check(sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()),
                              SQLITE_TRANSIENT));
    }
  }

  std::unique_ptr<sqlite3, Close> database_;
  std::unique_ptr<sqlite3_stmt, Close> prepared_;
  std::string prepared_text_;
};

std::string insert_into(const std::string& table, size_t columns) {
  std::string marks = "?";
  for (size_t i = 1; i < columns; ++i) marks += ",?";
  return fmt::format("INSERT INTO {} VALUES ({})", table, marks);
}

void insert_trial(Database& database, const Json& json) {
  std::vector<Json> values;
  for (const char* key : kTrialColumns) values.push_back(json[key]);
  database.insert(insert_into("trials", values.size()), values);
}

void insert_parts(Database& database, const Record& record, const Json& json) {
  const std::string& id = record.trial_id;
  for (const auto& [name, value] : record.trial.options) {
    database.insert(insert_into("options", 3), {id, name, to_json(value)});
  }
  for (size_t i = 0; i < record.samples_ms.size(); ++i) {
    const Json round = record.sample_rounds.empty() ? Json() : Json(record.sample_rounds[i]);
    database.insert(insert_into("samples", 4), {id, i, round, record.samples_ms[i]});
  }
  for (const Json& error : json["errors"]) {
    database.insert(insert_into("errors", 5),
                    {id, error["role"], error["max_error"], error["allowed_error"], error["rows"]});
  }
  int round = 0;
  for (const Json& state : json["state"]) {
    const auto reading = [&state](const char* key) {
      return state.is_object() ? state.value(key, Json()) : Json();
    };
    database.insert(insert_into("bursts", 6),
                    {id, round++, reading("sm_clock_mhz"), reading("power_w"),
                     reading("temperature_c"), dump_json(state)});
  }
  for (const std::string& warning : record.warnings) {
    database.insert(insert_into("warnings", 2), {id, warning});
  }
}

}  // namespace

void write_sqlite(const Json& run, const std::vector<Record>& records, const Sentinels& sentinels,
                  const fs::path& file) {
  fs::path part = file;
  part += ".part";
  std::error_code failure;
  fs::remove(part, failure);  // of an earlier try
  {
    Database database(part);
    database.run(kSchema);
    database.insert(insert_into("run", 1), {Json(dump_json(run))});
    for (const Record& record : records) {
      const Json json = to_json(record, sentinels);
      insert_trial(database, json);
      insert_parts(database, record, json);
    }
    database.run("COMMIT");
  }
  fs::rename(part, file, failure);
  if (failure) {
    throw Error(fmt::format("cannot put {} in place: {}", file.string(), failure.message()));
  }
}

}  // namespace attnbench
