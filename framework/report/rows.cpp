#include "report/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/text.h"

namespace attnbench {
namespace {

// A problem's fields in the order in which people name them. A field that has its usual value in
// all records is not worth a word in the line of what is common.
struct Field {
  std::string_view name;
  std::string (*text)(const Problem&);
  std::string_view usual;  // not mentioned where common to all; "": always mentioned
  bool is_its_own_name;    // "fp16" needs no "dtype=" before it
};

std::string inputs_text(const Problem& problem) {
  const Inputs& inputs = problem.inputs;
  if (inputs == Inputs{}) return "the seed's inputs";
  return fmt::format("inputs of deviation {:g} (bias {:g} with probability {:g}, else {:g})",
                     inputs.stddev, inputs.bias_low, inputs.bias_low_fraction, inputs.bias_stddev);
}

constexpr Field kFields[] = {
    {"mode", [](const Problem& p) { return std::string(enum_to_text(kModes, p.mode)); }, "", true},
    {"dtype", [](const Problem& p) { return std::string(enum_to_text(kDtypes, p.dtype)); }, "",
     true},
    {"batch", [](const Problem& p) { return std::to_string(p.batch); }, "", false},
    {"heads", [](const Problem& p) { return std::to_string(p.heads); }, "", false},
    {"kv_heads", [](const Problem& p) { return std::to_string(p.kv_heads); }, "", false},
    {"seqlen_q", [](const Problem& p) { return std::to_string(p.seqlen_q); }, "", false},
    {"seqlen_kv", [](const Problem& p) { return std::to_string(p.seqlen_kv); }, "", false},
    {"head_dim", [](const Problem& p) { return std::to_string(p.head_dim); }, "", false},
    {"layout", [](const Problem& p) { return std::string(enum_to_text(kLayouts, p.layout)); },
     "bshd", false},
    {"causal", [](const Problem& p) { return std::string(enum_to_text(kCausals, p.causal)); },
     "none", false},
    {"bias", [](const Problem& p) { return std::string(enum_to_text(kBiases, p.bias)); }, "none",
     false},
    {"scale",
     [](const Problem& p) { return p.scale == 0.0 ? "default" : fmt::format("{:g}", p.scale); },
     "default", false},
    {"inputs", inputs_text, "", true},
};

bool holds_for_all(const std::vector<Record>& records,
                   const std::function<bool(const Problem&)>& claim) {
  return std::all_of(records.begin(), records.end(),
                     [&claim](const Record& record) { return claim(record.trial.problem); });
}

std::set<std::string> option_names(const std::vector<Record>& records) {
  std::set<std::string> names;
  for (const Record& record : records) {
    for (const auto& [name, value] : record.trial.options) names.insert(name);
  }
  return names;
}

bool is_constant(const ResultAxis& axis) {
  return std::all_of(axis.values.begin(), axis.values.end(),
                     [&axis](const std::string& value) { return value == axis.values.front(); });
}

}  // namespace

AxisSplit split_axes(const std::vector<Record>& records) {
  AxisSplit split;
  if (records.empty()) return split;
  const bool is_square =
      holds_for_all(records, [](const Problem& p) { return p.seqlen_q == p.seqlen_kv; });
  const bool has_gqa =
      !holds_for_all(records, [](const Problem& p) { return p.heads == p.kv_heads; });

  std::vector<std::string> common;
  const auto place = [&](ResultAxis axis, std::string_view usual, bool is_its_own_name) {
    if (!is_constant(axis)) {
      split.varying.push_back(std::move(axis));
    } else if (axis.values.front() != usual) {
      common.push_back(is_its_own_name ? axis.values.front()
                                       : axis.name + "=" + axis.values.front());
    }
  };
  for (const Field& field : kFields) {
    if (field.name == "kv_heads" && !has_gqa) continue;
    if (field.name == "seqlen_kv" && is_square) continue;
    const bool is_both = field.name == "seqlen_q" && is_square;
    ResultAxis axis{is_both ? "seqlen" : std::string(field.name), {}};
    for (const Record& record : records) axis.values.push_back(field.text(record.trial.problem));
    place(std::move(axis), field.usual, field.is_its_own_name);
  }
  for (const std::string& name : option_names(records)) {
    ResultAxis axis{name, {}};
    for (const Record& record : records) {
      const auto option = record.trial.options.find(name);
      axis.values.push_back(option == record.trial.options.end() ? "-" : to_text(option->second));
    }
    place(std::move(axis), "-", false);
  }
  ResultAxis device{"device", {}};
  for (const Record& record : records) device.values.push_back(record.trial.device);
  const bool is_one_device = is_constant(device);
  place(std::move(device), records.front().trial.device, true);
  if (is_one_device) common.push_back("on " + records.front().trial.device);

  split.common = join(common, " ");
  return split;
}

std::vector<Record> grouped_by_case(std::vector<Record> records) {
  std::map<std::string, size_t> order;
  std::vector<std::pair<size_t, Record>> keyed;
  for (Record& record : records) {
    const std::string id = case_id(record.trial.problem, record.trial.device);
    const size_t place = order.emplace(id, order.size()).first->second;
    keyed.emplace_back(place, std::move(record));
  }
  std::stable_sort(keyed.begin(), keyed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Record> grouped;
  for (auto& [place, record] : keyed) grouped.push_back(std::move(record));
  return grouped;
}

}  // namespace attnbench
