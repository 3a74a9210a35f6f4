// Tiles of 16-bit elements in shared memory and their products by mma.sync, for sm_80 and later.
//
// A tile is rows of kColumns elements without gaps, whose 16-byte chunks are swizzled: chunk c of
// row r lies where chunk c ^ key(r) would. Eight rows of one chunk then touch all 32 banks, which
// is what ldmatrix reads at a time. A chunk's key touches only the low three bits of its number, so
// that the address of a 16 x 16 block is this lane's address in the first block, bits 5 and 6
// flipped, plus a constant.
//
// Everything here moves in blocks of 16 x 16: four 8 x 8 matrices, in registers
//   r[0]: rows 0-7, columns 0-7    r[2]: rows 0-7, columns 8-15
//   r[1]: rows 8-15, columns 0-7   r[3]: rows 8-15, columns 8-15
// of which lane l holds elements (l / 4, 2 * (l % 4)) and the next one: that is also where mma.sync
// leaves its results.
#pragma once

#include "kernel_kit/device/ptx.cuh"

#if IS_BF16
constexpr Element kElement = Element::bf16;
#else
constexpr Element kElement = Element::f16;
#endif

constexpr float kLog2E = 1.4426950408889634f;
constexpr float kLn2 = 0.6931471805599453f;
constexpr float kInfinity = __builtin_bit_cast(float, 0x7f800000);

DEVICE int lane_id() {
  return static_cast<int>(threadIdx.x % 32);
}
DEVICE int warp_id() {
  return ptx::uniform(static_cast<int>(threadIdx.x / 32));
}

// Byte offset of a 16-byte chunk in a tile; row and chunk may be anything.
template <int kColumns>
DEVICE u32 chunk_offset(int row, int chunk) {
  static_assert(kColumns == 32 || kColumns % 64 == 0, "a row is 64 bytes or pages of 128");
  const int key = kColumns == 32 ? (row >> 1) & 3 : row & 7;
  return row * (kColumns * 2) + ((chunk ^ key) << 4);
}

// A tile, or the part of it that begins at (row, column), both multiples of 16, as one lane sees
// it.
template <int kColumns>
struct TileView {
  u32 at;

  DEVICE TileView make(u32 tile, int row, int column) {
    const int lane = lane_id();
    return {tile + chunk_offset<kColumns>(row + lane % 16, column / 8 + lane / 16)};
  }
  // Where block (row, column) of the part begins. Both are multiples of 16 known at compile time,
  // and `column` lies in the run of columns, a power of two, to a multiple of which the part
  // begins.
  __device__ __forceinline__ u32 block(int row, int column) const {
    return (at ^ ((column % 64) * 2)) + row * (kColumns * 2) + column / 64 * 128;
  }
  __device__ __forceinline__ void load(int row, int column, u32 (&r)[4]) const {
    ptx::ldmatrix(block(row, column), r);
  }
  // Each of the four matrices transposed where it stands.
  __device__ __forceinline__ void load_transposed(int row, int column, u32 (&r)[4]) const {
    ptx::ldmatrix_transposed(block(row, column), r);
  }
};

// Sums of a warp: kRowBlocks x kColumnBlocks blocks of 16 x 16, as mma.sync leaves them.
template <int kRowBlocks, int kColumnBlocks>
struct Sums {
  static constexpr int kPerThread = kRowBlocks * kColumnBlocks * 8;
  float block[kRowBlocks][kColumnBlocks][8];  // the 16 x 8 left half, then the right half

  __device__ __forceinline__ void fill(float value) {
#pragma unroll
    for (int m = 0; m < kRowBlocks; ++m) {
#pragma unroll
      for (int n = 0; n < kColumnBlocks; ++n) {
#pragma unroll
        for (int i = 0; i < 8; ++i) block[m][n][i] = value;
      }
    }
  }
};

// Of the eight values that a lane holds of a block: its row (of 16) and its column (of 16).
DEVICE constexpr int row_half(int i) {  // + lane / 4
  return i / 2 % 2 * 8;
}
DEVICE constexpr int column_part(int i) {  // + 2 * (lane % 4)
  return i / 4 * 8 + i % 2;
}

// One block's sums rounded to 16 bits: the A operand of a further product.
DEVICE void to_operand(const float (&sums)[8], u32 (&r)[4]) {
#pragma unroll
  for (int i = 0; i < 4; ++i) r[i] = ptx::pack<kElement>(sums[2 * i], sums[2 * i + 1]);
}

// sums += A B^T of blocks: `b` is 16 rows of n by 16 of k.
DEVICE void multiply_rows(float (&sums)[8], const u32 (&a)[4], const u32 (&b)[4]) {
  ptx::mma_m16n8k16<kElement>(&sums[0], a, b[0], b[2]);
  ptx::mma_m16n8k16<kElement>(&sums[4], a, b[1], b[3]);
}
// sums += A B of blocks: `b` is 16 rows of k by 16 of n, loaded transposed.
DEVICE void multiply_columns(float (&sums)[8], const u32 (&a)[4], const u32 (&b)[4]) {
  ptx::mma_m16n8k16<kElement>(&sums[0], a, b[0], b[1]);
  ptx::mma_m16n8k16<kElement>(&sums[4], a, b[2], b[3]);
}

// sums += A B^T; both are stored with k contiguous, as Q and K are.
template <int kDepth, int kRowBlocks, int kColumnBlocks, int kColumnsA, int kColumnsB>
DEVICE void add_product_abt(Sums<kRowBlocks, kColumnBlocks>& sums, TileView<kColumnsA> a,
                            TileView<kColumnsB> b) {
#pragma unroll
  for (int k = 0; k < kDepth; k += 16) {
    u32 left[kRowBlocks][4];
#pragma unroll
    for (int m = 0; m < kRowBlocks; ++m) a.load(m * 16, k, left[m]);
#pragma unroll
    for (int n = 0; n < kColumnBlocks; ++n) {
      u32 right[4];
      b.load(n * 16, k, right);
#pragma unroll
      for (int m = 0; m < kRowBlocks; ++m) multiply_rows(sums.block[m][n], left[m], right);
    }
  }
}

// An A that many products share, in registers.
template <int kRowBlocks, int kDepth>
struct HeldRows {
  u32 block[kRowBlocks][kDepth / 16][4];

  template <int kColumns>
  __device__ __forceinline__ void load(TileView<kColumns> a) {
#pragma unroll
    for (int m = 0; m < kRowBlocks; ++m) {
#pragma unroll
      for (int k = 0; k < kDepth; k += 16) a.load(m * 16, k, block[m][k / 16]);
    }
  }
};
template <int kDepth, int kRowBlocks, int kColumnBlocks, int kColumnsB>
DEVICE void add_product_abt(Sums<kRowBlocks, kColumnBlocks>& sums,
                            const HeldRows<kRowBlocks, kDepth>& a, TileView<kColumnsB> b) {
#pragma unroll
  for (int k = 0; k < kDepth; k += 16) {
#pragma unroll
    for (int n = 0; n < kColumnBlocks; ++n) {
      u32 right[4];
      b.load(n * 16, k, right);
#pragma unroll
      for (int m = 0; m < kRowBlocks; ++m) {
        multiply_rows(sums.block[m][n], a.block[m][k / 16], right);
      }
    }
  }
}

// sums += A B; B's rows are k.
template <int kDepth, int kRowBlocks, int kColumnBlocks, int kColumnsA, int kColumnsB>
DEVICE void add_product_ab(Sums<kRowBlocks, kColumnBlocks>& sums, TileView<kColumnsA> a,
                           TileView<kColumnsB> b) {
#pragma unroll
  for (int k = 0; k < kDepth; k += 16) {
    u32 left[kRowBlocks][4];
#pragma unroll
    for (int m = 0; m < kRowBlocks; ++m) a.load(m * 16, k, left[m]);
#pragma unroll
    for (int n = 0; n < kColumnBlocks; ++n) {
      u32 right[4];
      b.load_transposed(k, n * 16, right);
#pragma unroll
      for (int m = 0; m < kRowBlocks; ++m) multiply_columns(sums.block[m][n], left[m], right);
    }
  }
}

// sums += A^T B; the rows of both are k.
template <int kDepth, int kRowBlocks, int kColumnBlocks, int kColumnsA, int kColumnsB>
DEVICE void add_product_atb(Sums<kRowBlocks, kColumnBlocks>& sums, TileView<kColumnsA> a,
                            TileView<kColumnsB> b) {
#pragma unroll
  for (int k = 0; k < kDepth; k += 16) {
    u32 left[kRowBlocks][4];
#pragma unroll
    for (int m = 0; m < kRowBlocks; ++m) {
      u32 r[4];
      a.load_transposed(k, m * 16, r);
      left[m][0] = r[0], left[m][1] = r[2], left[m][2] = r[1], left[m][3] = r[3];
    }
#pragma unroll
    for (int n = 0; n < kColumnBlocks; ++n) {
      u32 right[4];
      b.load_transposed(k, n * 16, right);
#pragma unroll
      for (int m = 0; m < kRowBlocks; ++m) multiply_columns(sums.block[m][n], left[m], right);
    }
  }
}

// sums += A B with A in registers: the rounded sums of another product.
template <int kRowBlocks, int kDepthBlocks, int kColumnBlocks, int kColumnsB>
DEVICE void add_product_registers(Sums<kRowBlocks, kColumnBlocks>& sums,
                                  const Sums<kRowBlocks, kDepthBlocks>& a, TileView<kColumnsB> b) {
#pragma unroll
  for (int k = 0; k < kDepthBlocks; ++k) {
    u32 left[kRowBlocks][4];
#pragma unroll
    for (int m = 0; m < kRowBlocks; ++m) to_operand(a.block[m][k], left[m]);
#pragma unroll
    for (int n = 0; n < kColumnBlocks; ++n) {
      u32 right[4];
      b.load_transposed(k * 16, n * 16, right);
#pragma unroll
      for (int m = 0; m < kRowBlocks; ++m) multiply_columns(sums.block[m][n], left[m], right);
    }
  }
}

// Writes sums, each row times its factor, to a tile in 16 bits; the part begins at (row, column).
template <int kColumns, int kRowBlocks, int kColumnBlocks, typename Factor>
DEVICE void round_to_tile(const Sums<kRowBlocks, kColumnBlocks>& sums, u32 tile, int row,
                          int column, Factor factor) {
  const int lane = lane_id();
#pragma unroll
  for (int m = 0; m < kRowBlocks; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float times = factor(m, half);
#pragma unroll
      for (int n = 0; n < kColumnBlocks; ++n) {
#pragma unroll
        for (int side = 0; side < 2; ++side) {
          const float* pair = &sums.block[m][n][side * 4 + half * 2];
          const u32 to = tile +
                         chunk_offset<kColumns>(row + m * 16 + half * 8 + lane / 4,
                                                column / 8 + n * 2 + side) +
                         lane % 4 * 4;
          ptx::store_shared_u1(to, ptx::pack<kElement>(pair[0] * times, pair[1] * times));
        }
      }
    }
  }
}
