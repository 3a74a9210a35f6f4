// TileAccess of block_ptr where there is no TMA: the same descriptor in software. A tile is
// described once, by its tensor's base, shape and strides, its own shape and its offset; `advance`
// moves the offset. Threads and addresses come up only when a tile is copied, and what lies outside
// the tensor is found by comparing the offset with the shape: it reads as zeros and is not written.
#pragma once

#include "kernel_kit/device/attention.h"
#include "kernel_kit/device/mma_tile.cuh"

// kHasTails: tiles may reach beyond the tensor. kMayBeMisaligned: rows need not begin at multiples
// of 16 bytes.
template <int kRows, int kColumns, int kThreads, bool kHasTails, bool kMayBeMisaligned = false>
class TileAccess {
  static constexpr int kRowChunks = kColumns / 8;
  static constexpr int kLanesPerRow = kRowChunks < 8 ? kRowChunks : 8;  // 128 bytes at a time
  static constexpr int kRowStep = kThreads / kLanesPerRow;
  static_assert(kRowStep % 8 == 0, "all rows of a thread have the same swizzle");
  static_assert(kRows % kRowStep == 0, "threads divide the tile's rows");

 public:
  __device__ __forceinline__ TileAccess(const AttentionTensor& tensor, int batch, int head,
                                        int rows, int columns, int first_row, int first_column)
      : base_(static_cast<char*>(tensor.data) +
              (batch * tensor.batch_stride + head * tensor.head_stride) * 2),
        row_bytes_(tensor.row_stride * 2),
        shape_{rows, columns},
        offset_{first_row, first_column} {}

  __device__ __forceinline__ void advance(int rows, int columns) {
    offset_[0] += rows;
    offset_[1] += columns;
  }

  // Starts copying the tile to shared memory.
  __device__ __forceinline__ void load(u32 tile) const {
    if (kMayBeMisaligned && !has_aligned_rows()) return load_elements(tile);
    for_each_chunk(tile, [&](u32 to, char* from, bool is_inside) {
      if (kHasTails) {
        ptx::copy_16_or_zero(to, from, is_inside);
      } else {
        ptx::copy_16(to, from);
      }
    });
  }

  // Writes the tile from shared memory.
  __device__ __forceinline__ void store(u32 tile) const {
    for_each_chunk(tile, [&](u32 from, char* to, bool is_inside) {
      if (kHasTails && !is_inside) return;
      u32 r[4];
      ptx::load_shared_u4(from, r);
      ptx::store_global_u4(to, r[0], r[1], r[2], r[3]);
    });
  }

 private:
  // Visits this thread's 16-byte chunks: visit(shared address, global address, is it inside?).
  template <typename Visit>
  __device__ __forceinline__ void for_each_chunk(u32 tile, Visit visit) const {
    const int lane_row = static_cast<int>(threadIdx.x) / kLanesPerRow;
    const int lane_chunk = static_cast<int>(threadIdx.x) % kLanesPerRow;
    const int row = offset_[0] + lane_row, column = offset_[1] + lane_chunk * 8;
    char* global = base_ + row * row_bytes_ + column * 2;
    const u32 shared = tile + chunk_offset<kColumns>(lane_row, lane_chunk);
#pragma unroll
    for (int r = 0; r < kRows; r += kRowStep, global += kRowStep * row_bytes_) {
#pragma unroll
      for (int c = 0; c < kColumns; c += kLanesPerRow * 8) {
        visit(shared + r * (kColumns * 2) + c / 64 * 128, global + c * 2,
              row + r < shape_[0] && column + c < shape_[1]);
      }
    }
  }

  __device__ __forceinline__ bool has_aligned_rows() const {
    return ((reinterpret_cast<long long>(base_) | row_bytes_ | shape_[1] * 2) & 15) == 0;
  }

  // For rows that begin anywhere: element by element, and waiting for each.
  __device__ __forceinline__ void load_elements(u32 tile) const {
#pragma unroll 1
    for (int i = static_cast<int>(threadIdx.x); i < kRows * kColumns; i += kThreads) {
      const int row = i / kColumns, column = i % kColumns;
      const bool is_inside = offset_[0] + row < shape_[0] && offset_[1] + column < shape_[1];
      const char* from = base_ + (offset_[0] + row) * row_bytes_ + (offset_[1] + column) * 2;
      ptx::store_shared_u16(tile + chunk_offset<kColumns>(row, column / 8) + column % 8 * 2,
                            is_inside ? *reinterpret_cast<const u16*>(from) : u16{0});
    }
  }

  char* base_;
  long long row_bytes_;
  int shape_[2], offset_[2];
};
