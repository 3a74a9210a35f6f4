// attn_tensor and its two parts are DLPack's, byte for byte: a bridge to Python need not copy.
#include <dlpack/dlpack.h>

#include "attnbench/provider.h"
#include "support/catch.h"

namespace {

#define SAME_PLACE(A, a, B, b)                      \
  STATIC_REQUIRE(offsetof(A, a) == offsetof(B, b)); \
  STATIC_REQUIRE(sizeof(A::a) == sizeof(B::b))

TEST_CASE("a tensor has the layout of DLPack's DLTensor", "[abi]") {
  STATIC_REQUIRE(sizeof(attn_tensor) == sizeof(DLTensor));
  SAME_PLACE(attn_tensor, data, DLTensor, data);
  SAME_PLACE(attn_tensor, device, DLTensor, device);
  SAME_PLACE(attn_tensor, ndim, DLTensor, ndim);
  SAME_PLACE(attn_tensor, dtype, DLTensor, dtype);
  SAME_PLACE(attn_tensor, shape, DLTensor, shape);
  SAME_PLACE(attn_tensor, strides, DLTensor, strides);
  SAME_PLACE(attn_tensor, byte_offset, DLTensor, byte_offset);
}

TEST_CASE("devices and dtypes have DLPack's layout and numbers", "[abi]") {
  SAME_PLACE(attn_device_id, type, DLDevice, device_type);
  SAME_PLACE(attn_device_id, id, DLDevice, device_id);
  SAME_PLACE(attn_dtype, code, DLDataType, code);
  SAME_PLACE(attn_dtype, bits, DLDataType, bits);
  SAME_PLACE(attn_dtype, lanes, DLDataType, lanes);
  CHECK(ATTN_DEVICE_CPU == static_cast<int>(kDLCPU));
  CHECK(ATTN_DEVICE_CUDA == static_cast<int>(kDLCUDA));
  CHECK(ATTN_DTYPE_INT == static_cast<int>(kDLInt));
  CHECK(ATTN_DTYPE_UINT == static_cast<int>(kDLUInt));
  CHECK(ATTN_DTYPE_FLOAT == static_cast<int>(kDLFloat));
  CHECK(ATTN_DTYPE_BFLOAT == static_cast<int>(kDLBfloat));
}

}  // namespace
