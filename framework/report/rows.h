// From records to what a reader compares: which axes vary, what all have in common, and the order
// in which rivals stand under each other.
#pragma once

#include <string>
#include <vector>

#include "model/record.h"

namespace attnbench {

// A column of the results: a problem field, a provider's option, or the device.
struct ResultAxis {
  std::string name;
  std::vector<std::string> values;  // one per record; "-" where a provider has no such option
};

struct AxisSplit {
  std::vector<ResultAxis> varying;
  std::string common;  // "fp16 batch=1 heads=8 head_dim=64, the seed's inputs, on cpu"
};

// seqlen_q and seqlen_kv are one axis "seqlen" where they agree in all records; kv_heads is left
// out where it agrees with heads.
AxisSplit split_axes(const std::vector<Record>& records);

// Records of one case (problem and device) together, cases in order of first appearance.
std::vector<Record> grouped_by_case(std::vector<Record> records);

}  // namespace attnbench
