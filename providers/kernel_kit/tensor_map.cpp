#include "kernel_kit/tensor_map.h"

#include <algorithm>

namespace kernel_kit {
namespace {

CUtensorMapSwizzle swizzle_of(Swizzle swizzle) {
  switch (swizzle) {
    case Swizzle::bytes_32:
      return CU_TENSOR_MAP_SWIZZLE_32B;
    case Swizzle::bytes_64:
      return CU_TENSOR_MAP_SWIZZLE_64B;
    case Swizzle::bytes_128:
      return CU_TENSOR_MAP_SWIZZLE_128B;
    default:
      return CU_TENSOR_MAP_SWIZZLE_NONE;
  }
}

CUtensorMapDataType type_of(const TensorMap& map, bool is_bf16) {
  if (map.element_bytes == 4) return CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
  return is_bf16 ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 : CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
}

}  // namespace

CUtensorMap encode(const gpu::Driver& driver, const TensorMap& map, bool is_bf16,
                   const void* address) {
  constexpr size_t kMost = TensorMap::kMostAxes;
  constexpr cuuint64_t kStrideStep = 16;  // bytes; also what an axis of one step pretends to have
  cuuint64_t extents[kMost] = {}, strides[kMost] = {};
  cuuint32_t box[kMost] = {}, steps[kMost] = {};
  const size_t num_axes = static_cast<size_t>(map.num_axes);
  for (size_t axis = 0; axis < num_axes; ++axis) {
    extents[axis] = static_cast<cuuint64_t>(map.extents[axis]);
    box[axis] = static_cast<cuuint32_t>(map.box[axis]);
    steps[axis] = 1;
    if (axis == 0) continue;  // contiguous, and not asked for
    const cuuint64_t bytes = static_cast<cuuint64_t>(map.strides[axis] * map.element_bytes);
    strides[axis - 1] = extents[axis] == 1 ? std::max(kStrideStep, bytes) : bytes;
  }
  CUtensorMap encoded;
  driver.check(driver.encode_tensor_map(
                   &encoded, type_of(map, is_bf16), static_cast<cuuint32_t>(num_axes),
                   const_cast<void*>(address), extents, strides, box, steps,
                   CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle_of(map.swizzle),
                   CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
               "describing a tensor to TMA");
  return encoded;
}

}  // namespace kernel_kit
