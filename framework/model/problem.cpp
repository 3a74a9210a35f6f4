#include "model/problem.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "model/work.h"

namespace attnbench {
namespace {

struct Extent {
  const char* name;
  int64_t Problem::*field;
};
constexpr Extent kExtents[] = {
    {"batch", &Problem::batch},         {"heads", &Problem::heads},
    {"kv_heads", &Problem::kv_heads},   {"seqlen_q", &Problem::seqlen_q},
    {"seqlen_kv", &Problem::seqlen_kv}, {"head_dim", &Problem::head_dim}};

struct InputNumber {
  const char* name;
  double Inputs::*field;
};
constexpr InputNumber kInputNumbers[] = {{"stddev", &Inputs::stddev},
                                         {"bias_low", &Inputs::bias_low},
                                         {"bias_low_fraction", &Inputs::bias_low_fraction},
                                         {"bias_stddev", &Inputs::bias_stddev}};

// With extents below 2^31 no product of two overflows; all bytes together must be countable too.
constexpr int64_t kLargestExtent = std::numeric_limits<int32_t>::max();
constexpr double kMostBytes = 4e18;

void check_extents(const Problem& problem) {
  for (const Extent& extent : kExtents) {
    const int64_t value = problem.*extent.field;
    if (value < 1 || value > kLargestExtent) {
      throw Error(
          fmt::format("{} must be from 1 to {}, got {}", extent.name, kLargestExtent, value));
    }
  }
  if (problem.heads % problem.kv_heads != 0) {
    throw Error(
        fmt::format("kv_heads {} does not divide heads {}", problem.kv_heads, problem.heads),
        "give each head of K and V the same number of heads of Q");
  }
  if (tensor_bytes(problem) > kMostBytes) {
    throw Error(
        fmt::format("the tensors of {} need {:.3g} bytes", to_text(problem), tensor_bytes(problem)),
        "choose a smaller problem");
  }
}

// -0.0 equals 0.0 but is spelt otherwise, and equal problems must have equal text.
double without_signed_zero(double value) {
  return value + 0.0;
}

}  // namespace

double Problem::softmax_scale() const {
  return scale != 0.0 ? scale : 1.0 / std::sqrt(static_cast<double>(head_dim));
}

int64_t Problem::bias_batch() const {
  if (bias == Bias::none) return 0;
  return bias == Bias::b1 || bias == Bias::bh ? batch : 1;
}

int64_t Problem::bias_heads() const {
  if (bias == Bias::none) return 0;
  return bias == Bias::bh || bias == Bias::one_h ? heads : 1;
}

void check_problem(const Problem& problem) {
  check_extents(problem);
  if (!std::isfinite(problem.scale)) {
    throw Error(fmt::format("scale must be finite, got {}", problem.scale),
                "0 stands for 1 / sqrt(head_dim)");
  }
  for (const InputNumber& number : kInputNumbers) {
    const double value = problem.inputs.*number.field;
    if (!std::isfinite(value)) {
      throw Error(fmt::format("inputs.{} must be finite, got {}", number.name, value));
    }
  }
  const double fraction = problem.inputs.bias_low_fraction;
  if (fraction < 0 || fraction > 1) {
    throw Error(fmt::format("inputs.bias_low_fraction must be from 0 to 1, got {}", fraction));
  }
}

Json to_json(const Problem& problem) {
  Json json;
  json["mode"] = enum_to_text(kModes, problem.mode);
  json["dtype"] = enum_to_text(kDtypes, problem.dtype);
  for (const Extent& extent : kExtents) json[extent.name] = problem.*extent.field;
  json["layout"] = enum_to_text(kLayouts, problem.layout);
  json["causal"] = enum_to_text(kCausals, problem.causal);
  json["bias"] = enum_to_text(kBiases, problem.bias);
  json["scale"] = without_signed_zero(problem.scale);
  Json& inputs = json["inputs"] = Json::object();
  for (const InputNumber& number : kInputNumbers) {
    inputs[number.name] = without_signed_zero(problem.inputs.*number.field);
  }
  // Unwritten where it is as ever, so that a problem's text, and with it a trial's id, stays.
  if (problem.inputs.values != Values::normal) {
    inputs["values"] = enum_to_text(kValues, problem.inputs.values);
  }
  return json;
}

Problem problem_from_json(const Json& json) {
  JsonFields fields(json, "problem");
  Problem problem;
  problem.mode = fields.choice("mode", kModes);
  problem.dtype = fields.choice("dtype", kDtypes);
  for (const Extent& extent : kExtents) problem.*extent.field = fields.integer(extent.name);
  problem.layout = fields.choice("layout", kLayouts);
  problem.causal = fields.choice("causal", kCausals);
  problem.bias = fields.choice("bias", kBiases);
  problem.scale = fields.number("scale");
  JsonFields inputs(fields.value("inputs"), "problem.inputs");
  for (const InputNumber& number : kInputNumbers) {
    problem.inputs.*number.field = inputs.number(number.name);
  }
  if (inputs.has("values")) problem.inputs.values = inputs.choice("values", kValues);
  inputs.finish();
  fields.finish();
  check_problem(problem);
  return problem;
}

std::string to_text(const Problem& problem) {
  std::string text =
      fmt::format("{} {} b{} h{}", enum_to_text(kModes, problem.mode),
                  enum_to_text(kDtypes, problem.dtype), problem.batch, problem.heads);
  if (problem.kv_heads != problem.heads) text += fmt::format("/{}", problem.kv_heads);
  text += fmt::format(" s{}", problem.seqlen_q);
  if (problem.seqlen_kv != problem.seqlen_q) text += fmt::format("x{}", problem.seqlen_kv);
  text += fmt::format(" d{}", problem.head_dim);
  if (problem.layout != Layout::bshd) {
    text += fmt::format(" {}", enum_to_text(kLayouts, problem.layout));
  }
  if (problem.causal != Causal::none) {
    text += fmt::format(" causal={}", enum_to_text(kCausals, problem.causal));
  }
  if (problem.bias != Bias::none)
    text += fmt::format(" bias={}", enum_to_text(kBiases, problem.bias));
  if (problem.scale != 0.0) text += fmt::format(" scale={}", problem.scale);
  if (problem.inputs.values != Values::normal) {
    text += fmt::format(" values={}", enum_to_text(kValues, problem.inputs.values));
  }
  return text;
}

}  // namespace attnbench
