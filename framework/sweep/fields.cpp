#include "sweep/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/text.h"

namespace attnbench {
namespace {

constexpr int64_t kLargestExtent = std::numeric_limits<int32_t>::max();
constexpr size_t kMostValues = 10'000;  // of one axis; nobody means more

struct ExtentField {
  std::string_view name;
  int64_t Problem::*field;
};
constexpr ExtentField kExtents[] = {
    {"batch", &Problem::batch},         {"heads", &Problem::heads},
    {"kv_heads", &Problem::kv_heads},   {"seqlen_q", &Problem::seqlen_q},
    {"seqlen_kv", &Problem::seqlen_kv}, {"head_dim", &Problem::head_dim}};

// A field whose values are words of an enum's table.
struct WordField {
  std::string_view name;
  std::vector<std::string> (*words)();
  void (*set)(Problem&, std::string_view word);
};
constexpr WordField kWordFields[] = {
    {"mode", [] { return enum_texts(kModes); },
     [](Problem& p, std::string_view word) { p.mode = *enum_from_text(kModes, word); }},
    {"dtype", [] { return enum_texts(kDtypes); },
     [](Problem& p, std::string_view word) { p.dtype = *enum_from_text(kDtypes, word); }},
    {"layout", [] { return enum_texts(kLayouts); },
     [](Problem& p, std::string_view word) { p.layout = *enum_from_text(kLayouts, word); }},
    {"causal", [] { return enum_texts(kCausals); },
     [](Problem& p, std::string_view word) { p.causal = *enum_from_text(kCausals, word); }},
    {"bias", [] { return enum_texts(kBiases); },
     [](Problem& p, std::string_view word) { p.bias = *enum_from_text(kBiases, word); }}};

const WordField* find_word_field(std::string_view name) {
  for (const WordField& field : kWordFields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

std::string written_text(const Scalar& written) {
  Node node;
  node.kind = Node::Kind::scalar;
  node.scalar = written;
  return describe(node);
}

Cell word_cell(const WordField& field, const Scalar& written) {
  if (const bool* flag = std::get_if<bool>(&written); flag != nullptr && field.name == "bias") {
    return {std::string(*flag ? "b1" : "none"), *flag ? "True" : "False"};
  }
  const std::vector<std::string> words = field.words();
  const std::string* word = std::get_if<std::string>(&written);
  if (word == nullptr) {
    throw Error(fmt::format("{} must be a word, not {}", field.name, written_text(written)),
                "valid ones: " + join(words, ", "));
  }
  if (std::find(words.begin(), words.end(), *word) == words.end()) {
    throw Error(fmt::format("unknown {} \"{}\"", field.name, *word), suggest(*word, words));
  }
  return {*word, *word};
}

Cell extent_cell(const std::string& name, const Scalar& written) {
  const int64_t* extent = std::get_if<int64_t>(&written);
  if (extent == nullptr) {
    throw Error(fmt::format("{} must be a whole number, not {}", name, written_text(written)),
                fmt::format("write a number from 1 to {}, without quotes", kLargestExtent));
  }
  if (*extent < 1 || *extent > kLargestExtent) {
    throw Error(fmt::format("{} is {}", name, *extent),
                fmt::format("write a number from 1 to {}", kLargestExtent));
  }
  return {*extent, std::to_string(*extent)};
}

void check_finite(const std::string& name, double number) {
  if (std::isfinite(number)) return;
  throw Error(fmt::format("{} is {}", name, number), "write a finite number");
}

Cell scale_cell(const Scalar& written) {
  double scale = 0.0;
  if (const double* number = std::get_if<double>(&written)) {
    scale = *number;
  } else if (const int64_t* integer = std::get_if<int64_t>(&written)) {
    scale = static_cast<double>(*integer);
  } else {
    throw Error(fmt::format("scale must be a number, not {}", written_text(written)),
                "0 stands for 1 / sqrt(head_dim)");
  }
  check_finite("scale", scale);
  return {scale, to_text(OptionValue(scale))};
}

// What a value on the command line is: a boolean, a number, else a text.
Scalar scalar_of_text(const std::string& text) {
  if (text == "true" || text == "True") return true;
  if (text == "false" || text == "False") return false;
  const char* end = text.data() + text.size();
  int64_t integer = 0;
  if (std::from_chars(text.data(), end, integer).ptr == end) return integer;
  double number = 0.0;
  if (std::from_chars(text.data(), end, number).ptr == end) return number;
  return text;
}

int64_t range_number(std::string_view text, const std::string& range) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const std::from_chars_result result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end || text.empty()) {
    throw Error(fmt::format("range \"{}\": \"{}\" is no whole number", range, text),
                "write from:to:step or from:to:*factor, such as 1024:8192:1024 or 128:8192:*2");
  }
  return number;
}

// "1024:8192:1024" or "128:8192:*2".
std::vector<int64_t> numbers_of_range(const std::string& range) {
  const std::vector<std::string> parts = split(range, ':');
  const bool is_geometric = parts.back().starts_with('*');
  if (parts.size() != 3) {
    throw Error(fmt::format("range \"{}\" has {} parts", range, parts.size()),
                "write from:to:step or from:to:*factor");
  }
  const int64_t from = range_number(parts[0], range);
  const int64_t to = range_number(parts[1], range);
  const int64_t step = range_number(std::string_view(parts[2]).substr(is_geometric ? 1 : 0), range);
  if (from < 1 || to < from || to > kLargestExtent || step < (is_geometric ? 2 : 1)) {
    throw Error(fmt::format("range \"{}\" has no end or no values", range),
                "from and to are at least 1, from is not above to, a step is at least 1, a factor "
                "at least 2");
  }
  std::vector<int64_t> numbers;
  // `step` may be anything that a 64-bit number holds: compare before the sum can overflow.
  for (int64_t number = from;; number = is_geometric ? number * step : number + step) {
    numbers.push_back(number);
    if (numbers.size() > kMostValues) {
      throw Error(fmt::format("range \"{}\" has more than {} values", range, kMostValues),
                  "take a larger step");
    }
    if (is_geometric ? number > to / step : number > to - step) return numbers;
  }
}

}  // namespace

const std::vector<std::string>& problem_fields() {
  static const std::vector<std::string> kNames = {
      "mode",      "dtype",    "batch",  "heads",  "kv_heads", "seqlen", "seqlen_q",
      "seqlen_kv", "head_dim", "layout", "causal", "bias",     "scale"};
  return kNames;
}

bool is_problem_field(std::string_view name) {
  const std::vector<std::string>& names = problem_fields();
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> fields_set_by(const std::string& name) {
  if (name == "seqlen") return {"seqlen_q", "seqlen_kv"};
  return {name};
}

Cell cell_of(const std::string& name, const Scalar& written) {
  if (const WordField* field = find_word_field(name)) return word_cell(*field, written);
  if (name == "scale") return scale_cell(written);
  if (is_problem_field(name)) return extent_cell(name, written);
  // An option. The ABI has no booleans: they are integers from 0 to 1.
  if (const bool* flag = std::get_if<bool>(&written)) {
    return {int64_t{*flag}, *flag ? "True" : "False"};
  }
  if (const int64_t* integer = std::get_if<int64_t>(&written)) {
    return {*integer, std::to_string(*integer)};
  }
  if (const double* number = std::get_if<double>(&written)) {
    check_finite(name, *number);
    return {*number, to_text(OptionValue(*number))};
  }
  const std::string& text = std::get<std::string>(written);
  return {text, text};
}

std::vector<Cell> cells_of_text(const std::string& name, std::string_view text) {
  std::vector<Cell> cells;
  for (const std::string& part : split(text, ',')) {
    const std::string value(trim(part));
    if (value.empty()) {
      throw Error(fmt::format("{} has an empty value", name), "write value,value,...");
    }
    if (value.find(':') == std::string::npos) {
      cells.push_back(cell_of(name, scalar_of_text(value)));
    } else {
      for (int64_t number : numbers_of_range(value)) cells.push_back(cell_of(name, number));
    }
  }
  return cells;
}

void set_field(Problem& problem, const std::string& name, const OptionValue& value) {
  if (const WordField* field = find_word_field(name)) {
    field->set(problem, std::get<std::string>(value));
    return;
  }
  if (name == "scale") {
    problem.scale = std::get<double>(value);
    return;
  }
  for (const std::string& set : fields_set_by(name)) {
    for (const ExtentField& extent : kExtents) {
      if (extent.name == set) problem.*extent.field = std::get<int64_t>(value);
    }
  }
}

}  // namespace attnbench
