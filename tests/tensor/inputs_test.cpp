#include "tensor/inputs.h"

#include <cmath>
#include <cstring>
#include <map>

#include "base/error.h"
#include "support/catch.h"
#include "tensor/convert.h"
#include "tensor/normal_table.h"
#include "tensor/philox.h"

namespace attnbench {
namespace {

Problem example(Dtype dtype) {
  Problem problem;
  problem.dtype = dtype;
  problem.batch = 2;
  problem.heads = 4;
  problem.kv_heads = 2;
  problem.seqlen_q = 33;
  problem.seqlen_kv = 57;
  problem.head_dim = 40;
  problem.bias = Bias::b1;
  return problem;
}

uint64_t fnv1a(std::span<const std::byte> bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const std::byte byte : bytes) {
    hash = (hash ^ static_cast<uint64_t>(byte)) * 0x100000001b3;
  }
  return hash;
}

PhiloxBlock<1> philox_once(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  PhiloxBlock<1> block;
  for (size_t word = 0; word < 4; ++word) block.words[word][0] = counter[word];
  philox4x32(block, key);
  return block;
}

TEST_CASE("Philox gives the published known answers", "[tensor]") {
  const PhiloxBlock<1> zeros = philox_once({0, 0, 0, 0}, {0, 0});
  CHECK(zeros.words[0][0] == 0x6627e8d5);
  CHECK(zeros.words[1][0] == 0xe169c58d);
  CHECK(zeros.words[2][0] == 0xbc57ac4c);
  CHECK(zeros.words[3][0] == 0x9b00dbd8);
  const PhiloxBlock<1> pi =
      philox_once({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0});
  CHECK(pi.words[0][0] == 0xd16cfe09);
  CHECK(pi.words[3][0] == 0x24126ea1);
}

TEST_CASE("the normal table inverts the normal distribution", "[tensor]") {
  const std::span<const float> table = normal_table();
  double worst = 0.0, sum = 0.0, squares = 0.0;
  for (size_t i = 0; i < table.size(); ++i) {
    const double z = table[i];
    const double expected = (static_cast<double>(i) + 0.5) / kNormalTableSize;
    const double probability = 0.5 * std::erfc(-z / std::sqrt(2.0));
    worst = std::max(worst, std::abs(probability / expected - 1.0));
    sum += z;
    squares += z * z;
    REQUIRE((i == 0 || table[i] > table[i - 1]));
  }
  CHECK(worst < 2e-6);  // an fp32 quantile of 4.3 moves its tail probability by 1.2e-6
  CHECK(sum == 0.0);
  CHECK(squares / kNormalTableSize == Approx(1.0).epsilon(1e-4));
}

// Written from the law in inputs.h, element by element, without any of inputs.cpp.
float element_by_the_law(const Problem& problem, uint64_t seed, uint32_t variant, Role role,
                         uint64_t e) {
  const std::map<Role, uint32_t> numbers = {
      {Role::q, 1}, {Role::k, 2}, {Role::v, 3}, {Role::bias, 4}, {Role::do_, 5}};
  const uint64_t n = role == Role::bias ? e / 4 : e / 8;
  const PhiloxBlock<1> block = philox_once(
      {static_cast<uint32_t>(n), static_cast<uint32_t>(n >> 32), numbers.at(role), variant},
      {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  const Inputs& inputs = problem.inputs;
  if (role != Role::bias) {
    const uint32_t word = block.words[e % 8 / 2][0];
    const uint32_t piece = e % 2 == 0 ? word & 0xffff : word >> 16;
    return round_to(problem.dtype, static_cast<float>(inputs.stddev) * normal_table()[piece]);
  }
  const uint32_t word = block.words[e % 4][0];
  if ((word >> 16) < std::lround(inputs.bias_low_fraction * 65536)) {
    return round_to(problem.dtype, static_cast<float>(inputs.bias_low));
  }
  return round_to(problem.dtype,
                  static_cast<float>(inputs.bias_stddev) * normal_table()[word & 0xffff]);
}

TEST_CASE("each element follows the law, at any offset and length", "[tensor]") {
  for (const Dtype dtype : {Dtype::fp16, Dtype::bf16, Dtype::fp32}) {
    Problem problem = example(dtype);
    problem.inputs.bias_stddev = 0.5;
    const uint64_t seed = 0x123456789abcdef0;
    const InputSource source(problem, seed, 1);
    for (const Role role : {Role::q, Role::k, Role::v, Role::do_, Role::bias}) {
      int wrong = 0;
      for (const int64_t first :
           {int64_t{0}, int64_t{1}, int64_t{13}, int64_t{64}, (int64_t{1} << 35) + 5}) {
        for (const size_t length : {size_t{1}, size_t{7}, size_t{64}, size_t{201}}) {
          std::vector<float> drawn(length);
          source.fill(role, first, std::span<float>(drawn));
          for (size_t i = 0; i < length; ++i) {
            wrong += drawn[i] !=
                     element_by_the_law(problem, seed, 1, role, static_cast<uint64_t>(first) + i);
          }
        }
      }
      INFO(enum_to_text(kDtypes, dtype) << " " << enum_to_text(kRoles, role));
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("Q and K can be one number, or 0 but for one number a row", "[tensor]") {
  for (const Dtype dtype : {Dtype::fp16, Dtype::bf16, Dtype::fp32}) {
    Problem problem = example(dtype);
    problem.head_dim = 64;
    std::vector<float> drawn(1 << 14);
    for (const Role role : {Role::q, Role::k}) {
      problem.inputs.values = Values::equal;
      InputSource(problem, 3, 0).fill(role, 0, std::span<float>(drawn));
      CHECK(std::count(drawn.begin(), drawn.end(), 2.0f) == 1 << 14);
      problem.inputs.values = Values::one_hot;
      InputSource(problem, 3, 0).fill(role, 0, std::span<float>(drawn));
      const int64_t hot = std::count(drawn.begin(), drawn.end(), 16.0f);  // 2 * sqrt(64)
      CHECK(std::abs(hot - 256) < 64);  // of 256 rows, four standard deviations
      CHECK(std::count(drawn.begin(), drawn.end(), 0.0f) == (1 << 14) - hot);
    }
    std::vector<float> normal(drawn.size());
    InputSource(problem, 3, 0).fill(Role::v, 0, std::span<float>(drawn));
    problem.inputs.values = Values::normal;
    InputSource(problem, 3, 0).fill(Role::v, 0, std::span<float>(normal));
    CHECK(drawn == normal);
  }
}

TEST_CASE("a tensor holds the same rows in either layout", "[tensor]") {
  for (const Dtype dtype : {Dtype::fp16, Dtype::fp32}) {
    for (const Layout memory_order : {Layout::bshd, Layout::bhsd}) {
      Problem problem = example(dtype);
      problem.layout = memory_order;
      const InputSource source(problem, 7, 0);
      for (const Role role : {Role::k, Role::q, Role::bias}) {
        const TensorLayout layout = layout_of(problem, role);
        std::vector<float> storage(static_cast<size_t>(layout.bytes / 4));
        const std::span<std::byte> memory = std::as_writable_bytes(std::span(storage));
        source.fill_tensor(layout, memory);
        const size_t row_length = static_cast<size_t>(layout.row_length());
        std::vector<float> stored(row_length), drawn(row_length);
        const size_t element = static_cast<size_t>(bytes_of(dtype));
        const size_t offset = static_cast<size_t>(layout.offset_of(1, 1, 31)) * element;
        to_float(dtype, memory.subspan(offset, row_length * element), stored);
        source.fill_row(role, 1, 1, 31, drawn);
        CHECK(stored == drawn);
      }
    }
  }
}

TEST_CASE("seed, role and variant each give other numbers", "[tensor]") {
  const Problem problem = example(Dtype::fp32);
  const auto first_row = [&](uint64_t seed, Role role, uint32_t variant) {
    std::vector<float> row(40);
    InputSource(problem, seed, variant).fill(role, 0, std::span<float>(row));
    return row;
  };
  const std::vector<float> base = first_row(1, Role::q, 0);
  CHECK(first_row(1, Role::q, 0) == base);
  CHECK(first_row(2, Role::q, 0) != base);
  CHECK(first_row(uint64_t{1} << 32 | 1, Role::q, 0) != base);
  CHECK(first_row(1, Role::k, 0) != base);
  CHECK(first_row(1, Role::q, 1) != base);
}

TEST_CASE("the seed's bias is -65504 for a quarter and plain 0 for the rest", "[tensor]") {
  const InputSource source(example(Dtype::fp16), 3, 0);
  std::vector<float> drawn(100000);
  source.fill(Role::bias, 0, std::span<float>(drawn));
  int low = 0, zero = 0;
  for (const float value : drawn) {
    low += value == -65504.0f;
    zero += value == 0.0f && !std::signbit(value);
  }
  CHECK(low + zero == 100000);
  CHECK(std::abs(low - 25000) < 700);  // five standard deviations
}

TEST_CASE("a tensor that is computed cannot be drawn", "[tensor]") {
  const InputSource source(example(Dtype::fp16), 3, 0);
  std::vector<float> drawn(1);
  CHECK_THROWS_AS(source.fill(Role::o, 0, std::span<float>(drawn)), Error);
}

// Golden: these numbers are in every record ever written. A change here changes all results.
TEST_CASE("the first inputs of seed 2026 are what they have always been", "[tensor]") {
  const std::map<Dtype, std::pair<uint64_t, uint64_t>> golden = {
      {Dtype::fp16, {0x6c9578838160b42d, 0xf9322cf6a2f4d7f0}},
      {Dtype::bf16, {0xbc2a5bbeac6c9d10, 0x25b01bd060d5685f}},
      {Dtype::fp32, {0x4138c30dfdd93d38, 0x18fe204b3409d1fe}}};
  for (const auto& [dtype, hashes] : golden) {
    Problem problem = example(dtype);
    problem.inputs.bias_stddev = 1.5;
    const InputSource source(problem, 2026, 1);
    std::vector<float> storage(4096);
    const std::span<std::byte> memory = std::as_writable_bytes(std::span(storage))
                                            .first(4096 * static_cast<size_t>(bytes_of(dtype)));
    source.fill(Role::do_, 0, memory);
    INFO(enum_to_text(kDtypes, dtype));
    CHECK(fnv1a(memory) == hashes.first);
    source.fill(Role::bias, 0, memory);
    CHECK(fnv1a(memory) == hashes.second);
  }
}

}  // namespace
}  // namespace attnbench
