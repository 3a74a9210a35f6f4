// Every PTX instruction that the kernels use, one named function each; no asm stands elsewhere. For
// NVRTC, without headers. Sections in the comments are those of the PTX ISA manual, 9.7
// "Instructions". The file is long because it is the one place for them all, in the manual's order
// of things; none is longer than its asm.
//
// What a newcomer must know before using these:
// - Shared memory is addressed by 32-bit numbers (shared_address). In a cluster their upper bits
//   carry the rank of the block.
// - There are two proxies, that is two paths to shared memory. ld, st, ldmatrix, stmatrix and
//   cp.async take the generic one, TMA and wgmma the asynchronous one. From a write by the first to
//   a read by the second the way must lead through fence_async_proxy(): without it tests pass and
//   the program is still wrong.
// - ptxas moves what it believes independent. asm volatile keeps its order among asm volatile only
//   in the front end; the pins at the end of this file hold against ptxas too.
#pragma once

#define DEVICE static __device__ __forceinline__

using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;

// A CUtensorMap; a kernel takes it as `const __grid_constant__ TensorMap`.
struct alignas(64) TensorMap {
  u64 opaque[16];
};

enum class Element { f16, bf16 };

namespace ptx {

// ---- where am I, who else is here ---------------------------------------------------------------

DEVICE u32 shared_address(const void* pointer) {
  return static_cast<u32>(__cvta_generic_to_shared(pointer));
}

// The value of lane 0. Tells ptxas that a warp agrees on it: addresses then go to uniform
// registers.
DEVICE int uniform(int value) {
  return __shfl_sync(~0u, value, 0);
}

// threadIdx.x, read here and nowhere else: what depends on it is not hoisted out of a rare branch
// into the registers of the loop around it.
DEVICE int thread_here() {
  int thread;
  asm volatile("mov.u32 %0, %%tid.x;" : "=r"(thread));
  return thread;
}

// True in one lane of a whole warp. elect.sync (9.7.13). A loop around loads must run on the whole
// warp with only the loads behind this: `if (lane == 0)` around the loop branches on every TMA.
DEVICE bool elect_one() {
  u32 elected;
  asm volatile("{.reg .pred p; elect.sync _|p, 0xffffffff; selp.u32 %0, 1, 0, p;}" : "=r"(elected));
  return elected;
}

// setmaxnreg (9.7.19.5): the pool is what the launch allocated, registers at entry times threads,
// not 64 K. All warps of a warpgroup execute it; asking for more than the pool holds hangs.
template <int kRegisters>
DEVICE void give_up_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kRegisters>
DEVICE void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

DEVICE void trap() {
  asm volatile("trap;");
}

// ---- clusters (9.7.13) --------------------------------------------------------------------------

DEVICE u32 cluster_rank() {
  u32 rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}
DEVICE void cluster_arrive() {
  asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
}
DEVICE void cluster_wait() {
  asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
}
// The same shared-memory location in block `rank` of the cluster.
DEVICE u32 in_block(u32 address, u32 rank) {
  u32 mapped;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(mapped) : "r"(address), "r"(rank));
  return mapped;
}

// ---- named barriers (9.7.13.1) ------------------------------------------------------------------
// Immediate ids where possible: an id in a register claims all 16 barriers.

template <int kId, int kThreads>
DEVICE void barrier_sync() {
  asm volatile("bar.sync %0, %1;" ::"n"(kId), "n"(kThreads) : "memory");
}
template <int kId, int kThreads>
DEVICE void barrier_arrive() {
  asm volatile("bar.arrive %0, %1;" ::"n"(kId), "n"(kThreads) : "memory");
}
DEVICE void barrier_sync(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
DEVICE void barrier_arrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

// ---- mbarrier (9.7.13.15) -----------------------------------------------------------------------
// A fresh barrier passes a wait for parity 1: who fills starts waiting for "empty" at 1, who reads
// starts waiting for "full" at 0.

DEVICE void mbarrier_init(u32 barrier, u32 arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}
// After the inits, before the first use by TMA or by another block.
DEVICE void fence_mbarrier_init() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
DEVICE void mbarrier_arrive(u32 barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}
// Arrives and announces `bytes` that a bulk copy will bring.
DEVICE void mbarrier_arrive_expect(u32 barrier, u32 bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
               : "memory");
}
// In any block of the cluster; `barrier` comes from in_block(). Not `.release.cluster`: that one is
// compiled to a MEMBAR, which cost a quarter of the kernel's speed.
DEVICE void mbarrier_arrive_in_cluster(u32 barrier) {
  asm volatile("mbarrier.arrive.shared::cluster.b64 _, [%0];" ::"r"(barrier) : "memory");
}
// Whether a wait for the phase of this parity would return at once.
DEVICE bool mbarrier_test(u32 barrier, u32 parity) {
  u32 is_complete;
  asm volatile(
      "{.reg .pred p; mbarrier.test_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}"
      : "=r"(is_complete)
      : "r"(barrier), "r"(parity)
      : "memory");
  return is_complete != 0;
}
// Returns once the phase of this parity is complete.
DEVICE void mbarrier_wait(u32 barrier, u32 parity) {
  asm volatile(
      "{\n.reg .pred p;\n"
      "AGAIN: mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n"
      "@p bra.uni DONE;\nbra.uni AGAIN;\nDONE:\n}" ::"r"(barrier),
      "r"(parity)
      : "memory");
}

// Orders this thread's generic accesses to shared memory before its later asynchronous ones, and
// those of threads that it then signals (9.7.13.4).
DEVICE void fence_async_proxy() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

// ---- TMA: tiles by tensor map (9.7.9.25.5) and plain bytes (9.7.9.25.4) -------------------------
// Coordinates from the innermost axis. A load announces itself to `barrier` by bytes, also those of
// elements outside the tensor, which read as 0; a store leaves those out.

DEVICE void tma_load(u32 to, const TensorMap* map, u32 barrier, int c0, int c1, int c2) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
      " [%0], [%1, {%3, %4, %5}], [%2];" ::"r"(to),
      "l"(map), "r"(barrier), "r"(c0), "r"(c1), "r"(c2)
      : "memory");
}
DEVICE void tma_load(u32 to, const TensorMap* map, u32 barrier, int c0, int c1, int c2, int c3) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
      " [%0], [%1, {%3, %4, %5, %6}], [%2];" ::"r"(to),
      "l"(map), "r"(barrier), "r"(c0), "r"(c1), "r"(c2), "r"(c3)
      : "memory");
}
// To the same place in every block of the cluster whose bit stands in `blocks`, each at its own
// barrier of that offset.
DEVICE void tma_load_multicast(u32 to, const TensorMap* map, u32 barrier, int c0, int c1, int c2,
                               int c3, u32 blocks) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
      ".multicast::cluster [%0], [%1, {%3, %4, %5, %6}], [%2], %7;" ::"r"(to),
      "l"(map), "r"(barrier), "r"(c0), "r"(c1), "r"(c2), "r"(c3), "h"(static_cast<u16>(blocks))
      : "memory");
}
DEVICE void tma_store(const TensorMap* map, u32 from, int c0, int c1, int c2, int c3) {
  asm volatile(
      "cp.async.bulk.tensor.4d.global.shared::cta.tile.bulk_group"
      " [%0, {%2, %3, %4, %5}], [%1];" ::"l"(map),
      "r"(from), "r"(c0), "r"(c1), "r"(c2), "r"(c3)
      : "memory");
}
DEVICE void tma_prefetch(const TensorMap* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}
// 16-byte aligned addresses and sizes.
DEVICE void bulk_load(u32 to, const void* from, u32 bytes, u32 barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(to),
      "l"(from), "r"(bytes), "r"(barrier)
      : "memory");
}
// to[] += from[] in fp32.
DEVICE void bulk_add(float* to, u32 from, u32 bytes) {
  asm volatile(
      "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f32 [%0], [%1], %2;" ::"l"(to),
      "r"(from), "r"(bytes)
      : "memory");
}
DEVICE void bulk_commit() {
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}
// At most kGroups groups of this thread still read shared memory, or (second) are under way at all.
template <int kGroups>
DEVICE void bulk_wait_read() {
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(kGroups) : "memory");
}
template <int kGroups>
DEVICE void bulk_wait() {
  asm volatile("cp.async.bulk.wait_group %0;" ::"n"(kGroups) : "memory");
}

// ---- cp.async, sm_80 (9.7.9.25.3) ---------------------------------------------------------------

DEVICE void copy_16(u32 to, const void* from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from) : "memory");
}
// Zeroes where `wanted` is false, and then reads nothing: any address will do.
DEVICE void copy_16_or_zero(u32 to, const void* from, bool wanted) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from),
               "r"(wanted ? 16 : 0)
               : "memory");
}
// The first `bytes` of 16, the rest zero: where the number is kept for many copies.
DEVICE void copy_up_to_16(u32 to, const void* from, u32 bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes)
               : "memory");
}
// kBytes of 4 or 8, through L1: for rows that are not 16-byte aligned.
template <int kBytes>
DEVICE void copy_narrow_or_zero(u32 to, const void* from, bool wanted) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(from), "n"(kBytes),
               "r"(wanted ? kBytes : 0)
               : "memory");
}
DEVICE void copy_commit() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
// At most the kGroups latest groups of this thread are still under way.
template <int kGroups>
DEVICE void copy_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kGroups) : "memory");
}
// Arrives when all earlier copies of this thread are complete. noinc: counts as one of the arrivals
// the barrier was made for (without it the pending count is first raised: net zero, a deadlock).
// So every copying thread must execute it, also one whose copies were all predicated off.
DEVICE void copy_arrive(u32 barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(barrier) : "memory");
}

// ---- shared memory to registers and back (9.7.9) ------------------------------------------------
// kOffset is an immediate of the instruction: as separate address registers such offsets cost the
// backward kernel 36 registers.

template <int kOffset = 0>
DEVICE float4 load_shared_f4(u32 address) {
  float4 v;
  asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4+%5];"
               : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
               : "r"(address), "n"(kOffset)
               : "memory");
  return v;
}
template <int kOffset = 0>
DEVICE void store_shared_f4(u32 address, float x, float y, float z, float w) {
  asm volatile("st.shared.v4.f32 [%0+%5], {%1, %2, %3, %4};" ::"r"(address), "f"(x), "f"(y), "f"(z),
               "f"(w), "n"(kOffset)
               : "memory");
}
template <int kOffset = 0>
DEVICE void load_shared_u4(u32 address, u32* v) {
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4+%5];"
               : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
               : "r"(address), "n"(kOffset)
               : "memory");
}
template <int kOffset = 0>
DEVICE void store_shared_u4(u32 address, u32 x, u32 y, u32 z, u32 w) {
  asm volatile("st.shared.v4.u32 [%0+%5], {%1, %2, %3, %4};" ::"r"(address), "r"(x), "r"(y), "r"(z),
               "r"(w), "n"(kOffset)
               : "memory");
}
DEVICE float load_shared_f1(u32 address) {
  float v;
  asm volatile("ld.shared.f32 %0, [%1];" : "=f"(v) : "r"(address) : "memory");
  return v;
}
DEVICE void store_shared_f1(u32 address, float v) {
  asm volatile("st.shared.f32 [%0], %1;" ::"r"(address), "f"(v) : "memory");
}
DEVICE u32 load_shared_u1(u32 address) {
  u32 v;
  asm volatile("ld.shared.u32 %0, [%1];" : "=r"(v) : "r"(address) : "memory");
  return v;
}
DEVICE void store_shared_u1(u32 address, u32 v) {
  asm volatile("st.shared.u32 [%0], %1;" ::"r"(address), "r"(v) : "memory");
}
DEVICE void store_shared_u16(u32 address, u16 v) {
  asm volatile("st.shared.u16 [%0], %1;" ::"r"(address), "h"(v) : "memory");
}

// Four 8x8 matrices of 16-bit elements; lane l gives the address of row l % 8 of matrix l / 8 and
// receives elements (l / 4, 2 * (l % 4)) and the next one of each. Asynchronous: an arrive issued
// right behind it can overtake it while the pipe is busy, and whoever it wakes overwrites the tile
// (seen as errors that move). Pin the arrive behind something that consumed the data.
template <int kOffset = 0>
DEVICE void ldmatrix(u32 address, u32* r) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4+%5];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address), "n"(kOffset)
               : "memory");
}
template <int kOffset = 0>
DEVICE void ldmatrix_transposed(u32 address, u32* r) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4+%5];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address), "n"(kOffset)
               : "memory");
}
template <int kOffset = 0>
DEVICE void stmatrix(u32 address, u32 r0, u32 r1, u32 r2, u32 r3) {  // sm_90
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0+%5], {%1, %2, %3, %4};" ::"r"(address),
               "r"(r0), "r"(r1), "r"(r2), "r"(r3), "n"(kOffset)
               : "memory");
}
template <int kOffset = 0>
DEVICE void stmatrix_transposed(u32 address, u32 r0, u32 r1, u32 r2, u32 r3) {  // sm_90
  asm volatile(
      "stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0+%5], {%1, %2, %3, %4};" ::"r"(address),
      "r"(r0), "r"(r1), "r"(r2), "r"(r3), "n"(kOffset)
      : "memory");
}

// ---- global memory ------------------------------------------------------------------------------

DEVICE uint4 load_global_u4(const void* from) {  // not written by anyone during the kernel
  uint4 v;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "l"(from));
  return v;
}
DEVICE void store_global_u4(void* to, u32 x, u32 y, u32 z, u32 w) {
  asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(x), "r"(y), "r"(z), "r"(w)
               : "memory");
}
DEVICE float4 load_global_f4(const void* from) {
  float4 v;
  asm volatile("ld.global.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
               : "l"(from)
               : "memory");
  return v;
}
DEVICE void store_global_f4(void* to, float x, float y, float z, float w) {
  asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(to), "f"(x), "f"(y), "f"(z), "f"(w)
               : "memory");
}
// What the writer (and who met it at a barrier before) has written, the reader of its word sees.
DEVICE void store_release(int* to, int x) {
  asm volatile("st.release.gpu.global.s32 [%0], %1;" ::"l"(to), "r"(x) : "memory");
}
DEVICE int load_acquire(const int* from) {
  int x;
  asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(x) : "l"(from) : "memory");
  return x;
}
DEVICE void add_global_f1(float* to, float x) {
  asm volatile("red.relaxed.gpu.global.add.f32 [%0], %1;" ::"l"(to), "f"(x) : "memory");
}
template <int kOffset = 0>
DEVICE void add_global_f4(float* to, float x, float y, float z, float w) {  // sm_90
  asm volatile("red.relaxed.gpu.global.add.v4.f32 [%0+%5], {%1, %2, %3, %4};" ::"l"(to), "f"(x),
               "f"(y), "f"(z), "f"(w), "n"(kOffset)
               : "memory");
}

// ---- arithmetic ---------------------------------------------------------------------------------

DEVICE float exp2(float x) {  // exp2(-inf) = 0
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
DEVICE float log2(float x) {  // log2(0) = -inf
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
DEVICE float maximum(float a, float b) {
  float y;
  asm("max.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
  return y;
}
DEVICE u32 or3(u32 a, u32 b, u32 c) {
  u32 d;
  asm("lop3.b32 %0, %1, %2, %3, 0xFE;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}
// Two fp32 rounded into one register, `low` in its lower half. (The instruction names `high`
// first.)
template <Element kElement>
DEVICE u32 pack(float low, float high) {
  u32 packed;
  if constexpr (kElement == Element::f16) {
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  } else {
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  }
  return packed;
}
template <Element kElement>
DEVICE void unpack(u32 packed, float& low, float& high) {
  if constexpr (kElement == Element::f16) {
    asm("{.reg .b16 l, h; mov.b32 {l, h}, %2; cvt.f32.f16 %0, l; cvt.f32.f16 %1, h;}"
        : "=f"(low), "=f"(high)
        : "r"(packed));
  } else {
    low = __int_as_float(packed << 16);
    high = __int_as_float(packed & 0xffff0000u);
  }
}

// ---- mma.sync, sm_80 (9.7.14.5) -----------------------------------------------------------------

// D[16 x 8] += A[16 x 16] B[16 x 8], fp32 sums.
template <Element kElement>
DEVICE void mma_m16n8k16(float* d, const u32* a, u32 b0, u32 b1) {
  if constexpr (kElement == Element::f16) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7},"
        " {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7},"
        " {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
}

// ---- wgmma, sm_90a (9.7.15) ---------------------------------------------------------------------
// D[64 x N] += A[64 x 16] B[16 x N] by a warpgroup, asynchronously: wgmma_fence, products,
// wgmma_commit, ... wgmma_wait. What ptxas says about a slow order, and the cure:
//   C7519 "arrive injected": a wgmma_fence is missing between two batches.
//   C7514/C7515 "serialized": an accumulator is read or zeroed while in flight, often over a loop's
//     back edge. Zero with zero(); leave nothing in flight that the next iteration reads.
//   C7512 "serialized": too many registers.
//
// An operand in shared memory is named by the low word of its descriptor (9.7.15.5.1): address / 16
// and the leading byte offset / 16. The high word is always the same: 1024 bytes between groups of
// 8 rows and the 128-byte swizzle. Offsets of k steps are immediates (in 16 bytes): 64-bit
// descriptors computed from scratch cost eight instructions per product and tens of registers.
//   K-major operand (rows of 64 columns of k, 128 bytes): the next k16 is 32 bytes on, the next 64
//     columns a page on; `leading_bytes` is unused.
//   MN-major (the contiguous axis is M or N; tnsp = 1): the next k16 is 16 rows on, 2048 bytes;
//     `leading_bytes` is the distance of 64-column pages, used where M or N exceeds 64.
DEVICE u32 operand(u32 address, u32 leading_bytes = 16) {
  return ((address & 0x3ffff) >> 4) | ((leading_bytes >> 4) << 16);  // 0x3ffff: strips the rank
}

DEVICE void wgmma_fence() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
DEVICE void wgmma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
// At most the kGroups latest groups are still under way.
template <int kGroups>
DEVICE void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kGroups) : "memory");
}

enum class Major { k, mn };

// kFirst: D = A B, whatever D held; with "+f" it would be live around the whole loop before that.
template <int N>
struct Wgmma;

#define WGMMA_PROLOGUE "{\n.reg .pred p;\n.reg .b32 x, y;\n.reg .b64 da, db;\n"
#define WGMMA_SS(SHAPE, TYPE, REGISTERS, OUT, A, B, OA, OB, TA, TB, ADD)                      \
  asm volatile(WGMMA_PROLOGUE                                                                 \
               "setp.ne.b32 p, " ADD ", 0;\nadd.u32 x, " A ", " OA ";\nadd.u32 y, " B ", " OB \
               ";\nmov.b64 da, {x, 0x40000040};\nmov.b64 db, {y, 0x40000040};\n"              \
               "wgmma.mma_async.sync.aligned." SHAPE "k16.f32." TYPE "." TYPE " {" REGISTERS  \
               "}, da, db, p, 1, 1, " TA ", " TB ";\n}"                                       \
               : OUT                                                                          \
               : "r"(a), "r"(b), "n"(kOffsetA), "n"(kOffsetB), "n"(kMajorA == Major::mn),     \
                 "n"(kMajorB == Major::mn))
#define WGMMA_RS(SHAPE, TYPE, REGISTERS, OUT, A0, A1, A2, A3, B, OB, TB)                     \
  asm volatile(WGMMA_PROLOGUE "add.u32 y, " B ", " OB                                        \
                              ";\nmov.b64 db, {y, 0x40000040};\n"                            \
                              "wgmma.mma_async.sync.aligned." SHAPE "k16.f32." TYPE "." TYPE \
                              " {" REGISTERS "}, {" A0 ", " A1 ", " A2 ", " A3               \
                              "}, db, 1, 1, 1, " TB ";\n}"                                   \
               : OUT                                                                         \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b), "n"(kOffsetB),          \
                 "n"(kMajorB == Major::mn))

// One width: the list of its registers, the same as outputs (=f) and as in-outs (+f), and the names
// of the seven operands behind them.
#define WGMMA_WIDTH(WIDTH, REGISTERS, VALUES, P0, P1, P2, P3, P4, P5, P6)                      \
  template <>                                                                                  \
  struct Wgmma<WIDTH> {                                                                        \
    template <Element kElement, Major kMajorA, Major kMajorB, bool kFirst, int kOffsetA,       \
              int kOffsetB>                                                                    \
    DEVICE void ss(float* d, u32 a, u32 b) {                                                   \
      if constexpr (kElement == Element::f16 && kFirst)                                        \
        WGMMA_SS("m64n" #WIDTH, "f16", REGISTERS, VALUES("=f"), P0, P1, P2, P3, P4, P5, "0");  \
      if constexpr (kElement == Element::f16 && !kFirst)                                       \
        WGMMA_SS("m64n" #WIDTH, "f16", REGISTERS, VALUES("+f"), P0, P1, P2, P3, P4, P5, "1");  \
      if constexpr (kElement == Element::bf16 && kFirst)                                       \
        WGMMA_SS("m64n" #WIDTH, "bf16", REGISTERS, VALUES("=f"), P0, P1, P2, P3, P4, P5, "0"); \
      if constexpr (kElement == Element::bf16 && !kFirst)                                      \
        WGMMA_SS("m64n" #WIDTH, "bf16", REGISTERS, VALUES("+f"), P0, P1, P2, P3, P4, P5, "1"); \
    }                                                                                          \
    template <Element kElement, Major kMajorB, int kOffsetB>                                   \
    DEVICE void rs(float* d, const u32* a, u32 b) {                                            \
      if constexpr (kElement == Element::f16)                                                  \
        WGMMA_RS("m64n" #WIDTH, "f16", REGISTERS, VALUES("+f"), P0, P1, P2, P3, P4, P5, P6);   \
      else                                                                                     \
        WGMMA_RS("m64n" #WIDTH, "bf16", REGISTERS, VALUES("+f"), P0, P1, P2, P3, P4, P5, P6);  \
    }                                                                                          \
  };

#define R8 "%0,%1,%2,%3,%4,%5,%6,%7"
#define R16 R8 ",%8,%9,%10,%11,%12,%13,%14,%15"
#define R32 R16 ",%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"
#define R36 R32 ",%32,%33,%34,%35"
#define R40 R36 ",%36,%37,%38,%39"
#define R48 R40 ",%40,%41,%42,%43,%44,%45,%46,%47"
#define R64 R48 ",%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"
#define R96                                                                                      \
  R64 ",%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85" \
      ",%86,%87,%88,%89,%90,%91,%92,%93,%94,%95"
#define R128                                                                                   \
  R96 ",%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111,%112,%113" \
      ",%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,%125,%126,%127"
#define V4(c, i) c(d[i]), c(d[i + 1]), c(d[i + 2]), c(d[i + 3])
#define V16AT(c, i) V4(c, i), V4(c, i + 4), V4(c, i + 8), V4(c, i + 12)
#define V32AT(c, i) V16AT(c, i), V16AT(c, i + 16)
#define V16(c) V16AT(c, 0)
#define V32(c) V32AT(c, 0)
#define V36(c) V32(c), V4(c, 32)
#define V40(c) V36(c), V4(c, 36)
#define V48(c) V32(c), V16AT(c, 32)
#define V64(c) V32(c), V32AT(c, 32)
#define V96(c) V64(c), V32AT(c, 64)
#define V128(c) V96(c), V32AT(c, 96)

WGMMA_WIDTH(32, R16, V16, "%16", "%17", "%18", "%19", "%20", "%21", "%22")
WGMMA_WIDTH(64, R32, V32, "%32", "%33", "%34", "%35", "%36", "%37", "%38")
WGMMA_WIDTH(72, R36, V36, "%36", "%37", "%38", "%39", "%40", "%41", "%42")
WGMMA_WIDTH(80, R40, V40, "%40", "%41", "%42", "%43", "%44", "%45", "%46")
WGMMA_WIDTH(96, R48, V48, "%48", "%49", "%50", "%51", "%52", "%53", "%54")
WGMMA_WIDTH(128, R64, V64, "%64", "%65", "%66", "%67", "%68", "%69", "%70")
WGMMA_WIDTH(192, R96, V96, "%96", "%97", "%98", "%99", "%100", "%101", "%102")
WGMMA_WIDTH(256, R128, V128, "%128", "%129", "%130", "%131", "%132", "%133", "%134")

#undef V4
#undef V16AT
#undef V32AT
#undef V16
#undef V32
#undef V36
#undef V40
#undef V48
#undef V64
#undef V96
#undef V128
#undef R8
#undef R16
#undef R32
#undef R36
#undef R40
#undef R48
#undef R64
#undef R96
#undef R128
#undef WGMMA_WIDTH
#undef WGMMA_SS
#undef WGMMA_RS
#undef WGMMA_PROLOGUE

// ---- pins: they hold ptxas or the front end in place --------------------------------------------

// A zero that ptxas cannot sink behind the first product (a plain 0.f can: C7515).
DEVICE void zero(float& x) {
  asm volatile("mov.f32 %0, 0f00000000;" : "=f"(x));
}
// Values that the front end must not use before this point, as accumulators behind a wait.
template <int N>
DEVICE void settle(float (&values)[N]) {
#pragma unroll
  for (int i = 0; i < N; ++i) asm volatile("" : "+f"(values[i])::"memory");
}
// A store that never happens, but whose predicate needs `x`: all that led to x is computed before
// any later wait or arrive. ptxas moves register-only work across those freely: exponentials sank
// below the wgmma wait that they were to overlap, without a warning. The test must not be foldable
// (ptxas knows that exp2 >= 0); a NaN fails it.
template <int kOffset = 0>
DEVICE void pin(float x, u32 shared) {
  asm volatile(
      "{.reg .pred p; setp.gt.f32 p, %0, 0f7f000000; @p st.shared.f32 [%1+%2], %0;}" ::"f"(x),
      "r"(shared), "n"(kOffset)
      : "memory");
}
// The same value, of which the compiler forgets where it came from: what is computed from it here
// is computed here, not kept in a register since it was computed before.
DEVICE int forget(int value) {
  asm volatile("" : "+r"(value));
  return value;
}
// The same for bits of which never all are set.
DEVICE void pin_bits(u32 bits, u32 shared) {
  asm volatile("{.reg .pred p; setp.eq.u32 p, %0, -1; @p st.shared.b32 [%1], %0;}" ::"r"(bits),
               "r"(shared)
               : "memory");
}

}  // namespace ptx
