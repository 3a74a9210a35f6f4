// What is filled, poisoned, hashed and read on the GPU is what the host would have.
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "device/cpu_device.h"
#include "gpu/gpu.h"

namespace attnbench {
namespace {

Problem example(Dtype dtype, Layout layout, int head_dim) {
  Problem problem;
  problem.dtype = dtype;
  problem.layout = layout;
  problem.batch = 2;
  problem.heads = 4;
  problem.kv_heads = 2;
  problem.seqlen_q = 133;
  problem.seqlen_kv = 257;
  problem.head_dim = head_dim;
  problem.bias = Bias::b1;
  problem.inputs.bias_stddev = 0.5;
  return problem;
}

bool is_filled_as_on_the_host(Gpu& gpu, const InputSource& source, Role role) {
  const TensorLayout layout = layout_of(source.problem(), role);
  const Buffer buffer = gpu.device.allocate(static_cast<uint64_t>(layout.bytes), 256);
  gpu.device.poison(buffer);
  gpu.device.fill_input(buffer, layout, source);
  std::vector<std::byte> expected(static_cast<size_t>(layout.bytes)), got(expected.size());
  source.fill_tensor(layout, expected);
  gpu.read_back(buffer, got);
  return got == expected && !gpu.device.find_guard_damage(buffer).any();
}

TEST_CASE("inputs filled on the GPU have the host's bits", "[gpu][kernels]") {
  NEEDS_GPU();
  Gpu gpu;
  for (const Dtype dtype : {Dtype::fp16, Dtype::bf16, Dtype::fp32}) {
    for (const Layout layout : {Layout::bshd, Layout::bhsd}) {
      for (const int head_dim : {64, 40, 37}) {  // 37: rows end inside a group of eight
        const Problem problem = example(dtype, layout, head_dim);
        for (const uint32_t variant : {0u, 1u}) {
          const InputSource source(problem, 0x123456789abcdef0, variant);
          for (const Role role : {Role::q, Role::k, Role::v, Role::do_, Role::bias}) {
            INFO(enum_to_text(kDtypes, dtype)
                 << " head_dim " << head_dim << " role " << enum_to_text(kRoles, role));
            CHECK(is_filled_as_on_the_host(gpu, source, role));
          }
        }
      }
    }
  }
}

// A table copied behind the fill's back came too late once in a while: only many turns show it.
TEST_CASE("a fill whose law differs from the last one's never reads the old table", "[gpu]") {
  NEEDS_GPU();
  Gpu gpu;
  Problem narrow = example(Dtype::fp32, Layout::bshd, 64), wide = narrow;
  wide.inputs.stddev = 8.0;
  const InputSource sources[] = {InputSource(narrow, 7, 0), InputSource(wide, 7, 0)};
  const TensorLayout layout = layout_of(narrow, Role::q);
  const Buffer buffer = gpu.device.allocate(static_cast<uint64_t>(layout.bytes), 256);
  uint64_t hashes[2] = {};
  for (size_t turn = 0; turn < 400; ++turn) {
    gpu.device.fill_input(buffer, layout, sources[turn % 2]);
    const uint64_t hash = gpu.device.hash(buffer);
    if (turn < 2) hashes[turn] = hash;
    REQUIRE(hash == hashes[turn % 2]);
  }
  CHECK(hashes[0] != hashes[1]);
}

TEST_CASE("a bias of more than 2^32 elements is filled to its end", "[gpu]") {
  NEEDS_GPU();
  Gpu gpu;
  Problem problem;
  problem.batch = problem.heads = problem.kv_heads = 1;
  problem.seqlen_q = problem.seqlen_kv = 65600;
  problem.head_dim = 64;
  problem.bias = Bias::b1;
  const TensorLayout layout = layout_of(problem, Role::bias);
  if (gpu.device.free_bytes() < static_cast<uint64_t>(layout.bytes) + (1u << 30)) {
    WARN("SKIPPED: this GPU has too little memory");
    return;
  }
  const InputSource source(problem, 5, 0);
  const Buffer buffer = gpu.device.allocate(static_cast<uint64_t>(layout.bytes), 256);
  gpu.device.fill_input(buffer, layout, source);
  for (const int64_t row : {int64_t{0}, int64_t{65471}, int64_t{65599}}) {
    std::vector<float> expected(65600);
    source.fill_row(Role::bias, 0, 0, row, expected);
    const int64_t first[] = {layout.offset_of(0, 0, row)};
    CHECK(gpu.device.read_rows(buffer, layout.dtype, first, 65600) == expected);
  }
}

TEST_CASE("guard bands on the GPU tell damage on either side to the byte", "[gpu][kernels]") {
  NEEDS_GPU();
  Gpu gpu;
  for (const uint64_t bytes : {uint64_t{1001}, uint64_t{1} << 20}) {
    const Buffer buffer = gpu.device.allocate(bytes, 256);
    CHECK(reinterpret_cast<uintptr_t>(buffer.data()) % 256 == 0);
    gpu.device.poison(buffer);
    CHECK_FALSE(gpu.device.find_guard_damage(buffer).any());
    gpu.write_byte(buffer.data() - 1, 0xff);
    gpu.write_byte(buffer.data() + bytes, 0xff);
    gpu.write_byte(buffer.base(), 0xff);
    const GuardDamage damage = gpu.device.find_guard_damage(buffer);
    // A byte of the pattern is 0xff by chance once in 256: none of these is.
    CHECK(damage.bytes_before == 2);
    CHECK(damage.bytes_after == 1);
    gpu.device.set_guards(buffer);
    CHECK_FALSE(gpu.device.find_guard_damage(buffer).any());
  }
}

TEST_CASE("poisoned memory on the GPU is NaN in every dtype", "[gpu][kernels]") {
  NEEDS_GPU();
  Gpu gpu;
  const Buffer buffer = gpu.device.allocate(4096, 256);
  gpu.device.poison(buffer);
  for (const Dtype dtype : {Dtype::fp16, Dtype::bf16, Dtype::fp32}) {
    const int64_t first[] = {0, 512};
    int numbers = 0;
    for (const float value : gpu.device.read_rows(buffer, dtype, first, 512)) {
      numbers += !std::isnan(value);
    }
    CHECK(numbers == 0);
  }
}

TEST_CASE("the hash of GPU memory sees each changed byte", "[gpu][kernels]") {
  NEEDS_GPU();
  Gpu gpu;
  for (const uint64_t bytes : {uint64_t{2}, uint64_t{8}, uint64_t{1002}, uint64_t{3} << 20}) {
    const Buffer buffer = gpu.device.allocate(bytes, 256);
    gpu.device.poison(buffer);
    const uint64_t before = gpu.device.hash(buffer);
    CHECK(gpu.device.hash(buffer) == before);
    for (const uint64_t position : {uint64_t{0}, bytes / 2, bytes - 1}) {
      gpu.write_byte(buffer.data() + position, 0xfe);
      CHECK(gpu.device.hash(buffer) != before);
      gpu.write_byte(buffer.data() + position, 0xff);
      CHECK(gpu.device.hash(buffer) == before);
    }
  }
}

TEST_CASE("rows and column sums read on the GPU are the host's", "[gpu][kernels]") {
  NEEDS_GPU();
  Gpu gpu;
  CpuDevice host;
  for (const Dtype dtype : {Dtype::fp16, Dtype::bf16, Dtype::fp32}) {
    Problem problem = example(dtype, Layout::bshd, 72);
    problem.batch = 3;
    const InputSource source(problem, 11, 0);
    const TensorLayout layout = layout_of(problem, Role::k);
    const uint64_t bytes = static_cast<uint64_t>(layout.bytes);
    const Buffer on_gpu = gpu.device.allocate(bytes, 256), on_host = host.allocate(bytes, 256);
    gpu.device.fill_input(on_gpu, layout, source);
    host.fill_input(on_host, layout, source);
    std::vector<int64_t> firsts;
    std::vector<RowBlock> blocks;
    for (int64_t b = 0; b < 3; ++b) {
      for (int64_t h = 0; h < 2; ++h) {
        blocks.push_back({layout.offset_of(b, h, 0), 257, layout.strides[1], 72});
        for (int64_t s = 0; s < 257; ++s) firsts.push_back(layout.offset_of(b, h, s));
      }
    }
    CHECK(gpu.device.read_rows(on_gpu, dtype, firsts, 72) ==
          host.read_rows(on_host, dtype, firsts, 72));
    const std::vector<double> got = gpu.device.column_sums(on_gpu, dtype, blocks);
    const std::vector<double> expected = host.column_sums(on_host, dtype, blocks);
    REQUIRE(got.size() == expected.size());
    double worst = 0.0;
    for (size_t i = 0; i < got.size(); ++i) {
      worst = std::max(worst, std::abs(got[i] - expected[i]));
    }
    CHECK(worst < 1e-10);
  }
}

TEST_CASE("more rows and sums than the pinned memory holds come in several trips", "[gpu]") {
  NEEDS_GPU();
  Gpu gpu;
  const int64_t columns = 4096, rows = 3000;
  const Buffer buffer = gpu.device.allocate(static_cast<uint64_t>(columns * rows * 4), 256);
  gpu.device.poison(buffer);
  std::vector<int64_t> firsts;
  std::vector<RowBlock> blocks;
  for (int64_t row = 0; row < rows; ++row) {
    firsts.push_back(row * columns);
    blocks.push_back({row * columns, 1, columns, columns});
  }
  const std::vector<float> read = gpu.device.read_rows(buffer, Dtype::fp32, firsts, columns);
  CHECK(read.size() == static_cast<size_t>(rows * columns));
  CHECK(std::isnan(read.back()));
  const std::vector<double> sums = gpu.device.column_sums(buffer, Dtype::fp32, blocks);
  CHECK(sums.size() == static_cast<size_t>(rows * columns));
  CHECK(std::isnan(sums.back()));
}

TEST_CASE("a request that no GPU can serve is survived", "[gpu]") {
  NEEDS_GPU();
  Gpu gpu;
  const uint64_t before = gpu.device.bytes_in_use();
  CHECK_THROWS_AS(gpu.device.allocate(uint64_t{200} << 30, 256), OutOfDeviceMemory);
  CHECK_THROWS_AS(gpu.device.allocate(~uint64_t{0} - 4096, 256), OutOfDeviceMemory);
  // Past our own look at what is free, the driver itself refuses.
  CHECK_THROWS_AS(CudaMemory(gpu.driver, size_t{200} << 30), OutOfDeviceMemory);
  CHECK(gpu.device.is_healthy());
  CHECK(gpu.device.bytes_in_use() == before);
  const Buffer buffer = gpu.device.allocate(1 << 20, 256);
  CHECK_FALSE(gpu.device.find_guard_damage(buffer).any());
}

TEST_CASE("an illegal address is named, and spoils the context for good", "[gpu]") {
  NEEDS_GPU();
  Gpu gpu;
  CHECK(gpu.device.is_healthy());
  gpu.write_byte(reinterpret_cast<std::byte*>(uintptr_t{64}), 1);
  std::string message;
  try {
    gpu.device.synchronize();
  } catch (const DeviceError& error) {
    message = error.what();
    CHECK(error.native_code == 700);
  }
  CHECK(message.find("CUDA_ERROR_ILLEGAL_ADDRESS (700)") != std::string::npos);
  CHECK(message.find("waiting for the GPU") != std::string::npos);
  CHECK_FALSE(gpu.device.is_healthy());
}

TEST_CASE("a GPU that is not there is an error with a hint", "[gpu]") {
  NEEDS_GPU();
  std::string message;
  try {
    open_device("cuda:99");
  } catch (const Error& error) {
    message = error.line();
  }
  CHECK(message.find("\"cuda:99\"") != std::string::npos);
  CHECK(message.find("GPUs here: cuda:0") != std::string::npos);
}

}  // namespace
}  // namespace attnbench
