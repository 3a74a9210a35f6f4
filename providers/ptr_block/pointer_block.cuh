// TileAccess of ptr_block: a tile is a block of pointers, one for each 16 bytes, with a mask that
// says which of them may be followed. A thread holds the first of its own; the others follow at
// fixed distances. Nothing but these addresses is known of the tensor once the block has been made.
//
// Thread t has chunk t % 8 of each 128 bytes of the rows t / 8, t / 8 + kThreads / 8, ...: eight
// threads read 128 contiguous bytes, and as kThreads / 8 is a multiple of 8 the swizzle
// (mma_tile.cuh) is the same in all rows of a thread.
#pragma once

#include "kernel_kit/device/attention.h"
#include "kernel_kit/device/mma_tile.cuh"

// kHasTails: rows or columns may lie outside the tensor; they read as zeros and are not written.
// kMayBeMisaligned: rows need not begin at multiples of 16 bytes.
template <int kRows, int kColumns, int kThreads, bool kHasTails, bool kMayBeMisaligned = false>
class TileAccess {
  static constexpr int kRowChunks = kColumns / 8;
  static constexpr int kLanesPerRow = kRowChunks < 8 ? kRowChunks : 8;
  static constexpr int kPasses = kRows * kLanesPerRow / kThreads;
  static constexpr int kRowStep = kThreads / kLanesPerRow;
  static constexpr int kPages = kRowChunks / kLanesPerRow;
  static_assert(kRowStep % 8 == 0, "all rows of a thread have the same swizzle");
  static_assert(kPasses * kRowStep == kRows, "threads divide the tile's rows");

 public:
  __device__ __forceinline__ TileAccess(const AttentionTensor& tensor, int batch, int head,
                                        int rows, int columns, int first_row, int first_column) {
    const int row = static_cast<int>(threadIdx.x) / kLanesPerRow;
    const int column = static_cast<int>(threadIdx.x) % kLanesPerRow * 8;
    pointer_ = static_cast<char*>(tensor.data) +
               (batch * tensor.batch_stride + head * tensor.head_stride +
                (first_row + row) * tensor.row_stride + first_column + column) *
                   2;
    step_ = kRowStep * tensor.row_stride * 2;
    rows_left_ = rows - first_row - row;
    columns_left_ = columns - first_column - column;
    offset_ = chunk_offset<kColumns>(row, column / 8);
    if (kMayBeMisaligned) {
      const long long strides = tensor.batch_stride | tensor.head_stride | tensor.row_stride;
      is_aligned_ =
          ((reinterpret_cast<long long>(tensor.data) | strides * 2 | columns * 2) & 15) == 0;
    }
  }

  // Both are multiples of the tile's extents.
  __device__ __forceinline__ void advance(int rows, int columns) {
    pointer_ += rows / kRowStep * step_ + columns * 2;
    rows_left_ -= rows;
    columns_left_ -= columns;
  }

  // Starts copying the tile to shared memory.
  __device__ __forceinline__ void load(u32 tile) const {
    if (kMayBeMisaligned && !is_aligned_) return load_elements(tile);
    const char* from = pointer_;
#pragma unroll
    for (int pass = 0; pass < kPasses; ++pass, from += step_) {
#pragma unroll
      for (int page = 0; page < kPages; ++page) {
        const u32 to = tile + offset_ + pass * (kRowStep * kColumns * 2) + page * 128;
        if (kHasTails) {
          ptx::copy_16_or_zero(to, from + page * 128, is_inside(pass, page));
        } else {
          ptx::copy_16(to, from + page * 128);
        }
      }
    }
  }

  // Writes the tile from shared memory.
  __device__ __forceinline__ void store(u32 tile) const {
    char* to = pointer_;
#pragma unroll
    for (int pass = 0; pass < kPasses; ++pass, to += step_) {
#pragma unroll
      for (int page = 0; page < kPages; ++page) {
        if (kHasTails && !is_inside(pass, page)) continue;
        u32 r[4];
        ptx::load_shared_u4(tile + offset_ + pass * (kRowStep * kColumns * 2) + page * 128, r);
        ptx::store_global_u4(to + page * 128, r[0], r[1], r[2], r[3]);
      }
    }
  }

 private:
  __device__ __forceinline__ bool is_inside(int pass, int page) const {
    return pass * kRowStep < rows_left_ && page * 64 < columns_left_;
  }

  // For rows that begin anywhere: element by element, and waiting for each.
  __device__ __forceinline__ void load_elements(u32 tile) const {
#pragma unroll 1
    for (int i = 0; i < kPasses * kPages * 8; ++i) {
      const int pass = i / 8 / kPages, page = i / 8 % kPages, column = page * 64 + i % 8;
      const bool inside = pass * kRowStep < rows_left_ && column < columns_left_;
      const u16* from = reinterpret_cast<const u16*>(pointer_ + pass * step_) + column;
      ptx::store_shared_u16(
          tile + offset_ + pass * (kRowStep * kColumns * 2) + page * 128 + i % 8 * 2,
          inside ? *from : u16{0});
    }
  }

  char* pointer_;
  long long step_;  // bytes to this thread's next row
  int rows_left_, columns_left_;
  u32 offset_;  // in the tile
  bool is_aligned_ = true;
};
