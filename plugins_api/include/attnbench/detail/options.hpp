// A provider's knobs: declared once as OptionSpec, read back by name as Options. What attnbench
// asks for is checked against the declaration, so that a typing error never measures the default.
#pragma once

#include <vector>

#include "attnbench/detail/failure.hpp"

namespace attn {

// Made by int_choice, int_range, boolean, float_range, string_choice or string_free below. Text is
// borrowed: use literals.
struct OptionSpec {
  int32_t type = ATTN_INT;
  const char* name = nullptr;
  const char* doc = nullptr;
  uint32_t flags = 0;
  std::vector<int64_t> int_choices = {};
  std::vector<const char*> string_choices = {};
  int64_t int_min = 0, int_max = 0, int_default = 0;
  double float_min = 0, float_max = 0, float_default = 0;
  const char* string_default = nullptr;
};

inline OptionSpec int_choice(const char* name, const char* doc, int64_t fallback,
                             std::vector<int64_t> choices, uint32_t flags = 0) {
  OptionSpec spec{.type = ATTN_INT, .name = name, .doc = doc, .flags = flags};
  spec.int_choices = std::move(choices);
  spec.int_default = fallback;
  return spec;
}
inline OptionSpec int_range(const char* name, const char* doc, int64_t fallback, int64_t min,
                            int64_t max, uint32_t flags = 0) {
  OptionSpec spec{.type = ATTN_INT, .name = name, .doc = doc, .flags = flags};
  spec.int_min = min;
  spec.int_max = max;
  spec.int_default = fallback;
  return spec;
}
inline OptionSpec boolean(const char* name, const char* doc, bool fallback, uint32_t flags = 0) {
  return int_range(name, doc, fallback ? 1 : 0, 0, 1, flags);
}
inline OptionSpec float_range(const char* name, const char* doc, double fallback, double min,
                              double max, uint32_t flags = 0) {
  OptionSpec spec{.type = ATTN_FLOAT, .name = name, .doc = doc, .flags = flags};
  spec.float_min = min;
  spec.float_max = max;
  spec.float_default = fallback;
  return spec;
}
inline OptionSpec string_choice(const char* name, const char* doc, const char* fallback,
                                std::vector<const char*> choices, uint32_t flags = 0) {
  OptionSpec spec{.type = ATTN_STRING, .name = name, .doc = doc, .flags = flags};
  spec.string_choices = std::move(choices);
  spec.string_default = fallback;
  return spec;
}
inline OptionSpec string_free(const char* name, const char* doc, const char* fallback,
                              uint32_t flags = 0) {
  return string_choice(name, doc, fallback, {}, flags);
}

namespace detail {

// "2, 4, 8" or "1 to 64": what the message of a wrong value offers.
inline std::string allowed_values(const OptionSpec& spec) {
  std::string out;
  auto add = [&out](const std::string& item) { out += (out.empty() ? "" : ", ") + item; };
  for (int64_t choice : spec.int_choices) add(std::to_string(choice));
  for (const char* choice : spec.string_choices) add(choice);
  if (!out.empty()) return out;
  if (spec.type == ATTN_INT) return text(spec.int_min, " to ", spec.int_max);
  if (spec.type == ATTN_FLOAT) return text(spec.float_min, " to ", spec.float_max);
  return "any text";
}

inline const char* type_name(int32_t type) {
  return type == ATTN_INT ? "an integer" : type == ATTN_FLOAT ? "a number" : "a text";
}

}  // namespace detail

// The value of every declared option. Copy it, change what a plan chose by itself, return it in
// PlanInfo::options.
class Options {
 public:
  Options() = default;
  explicit Options(const std::vector<OptionSpec>& specs) : specs_(&specs) {
    for (const OptionSpec& spec : specs) {
      const char* fallback = spec.string_default;
      values_.push_back({spec.int_default, spec.float_default, fallback ? fallback : ""});
    }
  }

  int64_t get_int(std::string_view name) const { return at(name, ATTN_INT).int_value; }
  bool get_bool(std::string_view name) const { return get_int(name) != 0; }
  double get_float(std::string_view name) const { return at(name, ATTN_FLOAT).float_value; }
  const std::string& get_string(std::string_view name) const {
    return at(name, ATTN_STRING).string_value;
  }

  // What a plan chose by itself, for instance 8 for threads = 0.
  void set(std::string_view name, int64_t value) { at(name, ATTN_INT).int_value = value; }
  void set(std::string_view name, double value) { at(name, ATTN_FLOAT).float_value = value; }
  void set(std::string_view name, std::string value) {
    at(name, ATTN_STRING).string_value = std::move(value);
  }

  // Takes what attnbench asks for; throws Failure naming the valid names or values.
  void parse(const attn_option* const* options, uint32_t num_options) {
    detail::check_array(options, num_options, "options");
    std::vector<bool> was_given(values_.size());
    for (uint32_t i = 0; i < num_options; ++i) {
      detail::check_request(options[i], ATTN_SIZE_TO(attn_option, string_value),
                            ATTN_SIZE_TO(attn_option, string_value), "attn_option");
      detail::require_pointer(options[i]->name, "attn_option.name");
      std::size_t index = find(options[i]->name);
      if (was_given[index]) {
        throw Failure(ATTN_INVALID_OPTION, text("option ", options[i]->name, " is given twice"));
      }
      was_given[index] = true;
      take((*specs_)[index], *options[i], values_[index]);
    }
  }

  // As C structs; text and names are borrowed from this object.
  std::vector<attn_option> to_c() const {
    std::vector<attn_option> out;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const OptionSpec& spec = (*specs_)[i];
      bool is_text = spec.type == ATTN_STRING;
      out.push_back({ATTN_SIZE_TO(attn_option, string_value), spec.type, spec.name,
                     values_[i].int_value, values_[i].float_value,
                     is_text ? values_[i].string_value.c_str() : nullptr});
    }
    return out;
  }

 private:
  struct Value {
    int64_t int_value;
    double float_value;
    std::string string_value;
  };

  std::size_t find(std::string_view name) const {
    std::string names;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (name == (*specs_)[i].name) return i;
      names += (i > 0 ? ", " : "") + std::string((*specs_)[i].name);
    }
    std::string valid = names.empty() ? "it has none" : "valid ones: " + names;
    throw Failure(ATTN_INVALID_OPTION, text("unknown option ", name, "; ", valid));
  }
  const Value& at(std::string_view name, int32_t type) const {
    std::size_t index = find(name);
    detail::require((*specs_)[index].type == type, ATTN_INTERNAL,
                    text("option ", name, " was declared with another type"));
    return values_[index];
  }
  Value& at(std::string_view name, int32_t type) {
    return const_cast<Value&>(std::as_const(*this).at(name, type));
  }

  static void take(const OptionSpec& spec, const attn_option& option, Value& value) {
    if (option.type != spec.type) {
      throw Failure(ATTN_INVALID_OPTION,
                    text("option ", spec.name, " is ", detail::type_name(spec.type),
                         "; valid values: ", detail::allowed_values(spec)));
    }
    auto is_one_of = [](const auto& choices, const auto& wanted) {
      return std::find(choices.begin(), choices.end(), wanted) != choices.end();
    };
    bool is_allowed = true;
    std::string given;
    if (spec.type == ATTN_INT) {
      value.int_value = option.int_value;
      given = std::to_string(option.int_value);
      is_allowed = spec.int_choices.empty()
                       ? spec.int_min <= option.int_value && option.int_value <= spec.int_max
                       : is_one_of(spec.int_choices, option.int_value);
    } else if (spec.type == ATTN_FLOAT) {
      value.float_value = option.float_value;
      given = std::to_string(option.float_value);
      is_allowed = spec.float_min <= option.float_value && option.float_value <= spec.float_max;
    } else {
      detail::require_pointer(option.string_value, "attn_option.string_value");
      value.string_value = given = option.string_value;
      is_allowed = spec.string_choices.empty() || is_one_of(spec.string_choices, given);
    }
    if (!is_allowed) {
      throw Failure(ATTN_INVALID_OPTION, text("option ", spec.name, " cannot be ", given,
                                              "; valid values: ", detail::allowed_values(spec)));
    }
  }

  const std::vector<OptionSpec>* specs_ = nullptr;  // the descriptor's: it outlives all plans
  std::vector<Value> values_;
};

namespace detail {

// The same declarations as the C table shows them. `specs` must not move afterwards.
inline std::vector<attn_option_desc> to_c(const std::vector<OptionSpec>& specs) {
  std::vector<attn_option_desc> out;
  for (const OptionSpec& spec : specs) {
    attn_option_desc desc{};
    desc.struct_size = ATTN_SIZE_TO(attn_option_desc, string_default);
    desc.type = spec.type;
    desc.name = spec.name;
    desc.doc = spec.doc;
    desc.flags = spec.flags;
    desc.num_choices = static_cast<uint32_t>(spec.int_choices.size() + spec.string_choices.size());
    desc.int_choices = spec.int_choices.empty() ? nullptr : spec.int_choices.data();
    desc.string_choices = spec.string_choices.empty() ? nullptr : spec.string_choices.data();
    desc.int_min = spec.int_min;
    desc.int_max = spec.int_max;
    desc.int_default = spec.int_default;
    desc.float_min = spec.float_min;
    desc.float_max = spec.float_max;
    desc.float_default = spec.float_default;
    desc.string_default = spec.string_default;
    out.push_back(desc);
  }
  return out;
}

// An array of pointers to items, as rule 3 asks.
template <class Item>
std::vector<const Item*> pointers_to(const std::vector<Item>& items) {
  std::vector<const Item*> out;
  for (const Item& item : items) out.push_back(&item);
  return out;
}

}  // namespace detail
}  // namespace attn
