// Execution: one pass over bound tensors. The bindings are checked against the specs of the plan,
// without allocation, before a provider's execute() sees them; only addresses may have changed.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "attnbench/detail/request.hpp"
#include "attnbench/half.hpp"

namespace attn {

// A strided tensor of T: view(b, s, h, d) is an element, row(b, s, h) points to the first of the
// last axis, whose elements are strides[3] apart.
template <class T, std::size_t kAxes = 4>
struct View {
  T* data;
  std::array<int64_t, kAxes> shape, strides;

  template <class... Indices>
  T& operator()(Indices... indices) const {
    static_assert(sizeof...(Indices) == kAxes, "a view takes one index for each axis");
    return data[offset(indices...)];
  }
  template <class... Indices>
  T* row(Indices... indices) const {
    static_assert(sizeof...(Indices) == kAxes - 1, "a row takes an index for all axes but one");
    return data + offset(indices...);
  }
  int64_t last_stride() const { return strides[kAxes - 1]; }

 private:
  template <class... Indices>
  int64_t offset(Indices... indices) const {
    std::size_t axis = 0;
    int64_t elements = 0;
    ((elements += static_cast<int64_t>(indices) * strides[axis++]), ...);
    return elements;
  }
};

// A bound tensor whose dtype is known at run time only.
class Tensor {
 public:
  explicit Tensor(const attn_tensor& tensor) : tensor_(&tensor) {}
  void* data() const { return static_cast<char*>(tensor_->data) + tensor_->byte_offset; }
  attn_dtype dtype() const { return tensor_->dtype; }
  int64_t shape(int axis) const { return tensor_->shape[axis]; }
  int64_t stride(int axis) const { return tensor_->strides[axis]; }

  // The caller knows the dtype from the plan's spec: T must have its width.
  template <class T, std::size_t kAxes = 4>
  View<T, kAxes> view() const {
    detail::require(sizeof(T) * 8 == dtype().bits && kAxes == static_cast<std::size_t>(ndim()),
                    ATTN_INTERNAL, "the provider views a tensor as another type or rank");
    View<T, kAxes> out{static_cast<T*>(data()), {}, {}};
    std::copy_n(tensor_->shape, kAxes, out.shape.begin());
    std::copy_n(tensor_->strides, kAxes, out.strides.begin());
    return out;
  }

 private:
  int32_t ndim() const { return tensor_->ndim; }
  const attn_tensor* tensor_;
};

// Calls with a value of the C++ type that `dtype`, one of fp32, fp16 and bf16, names:
//   with_type_of(q.dtype(), [&]<class T>(T) { first(q.view<T>()); });
template <class Call>
void with_type_of(attn_dtype dtype, Call&& call) {
  if (same_dtype(dtype, kFp32)) {
    call(float{});
  } else if (same_dtype(dtype, kFp16)) {
    call(Half{});
  } else {
    detail::require(same_dtype(dtype, kBf16), ATTN_INTERNAL, "the provider meets an odd dtype");
    call(BFloat16{});
  }
}

// Valid during execute() only. `workspace` is as large and as aligned as the plan asked for.
class Execution {
 public:
  explicit Execution(const attn_execute_args& args)
      : workspace(args.workspace),
        workspace_bytes(args.workspace_bytes),
        stream(args.stream),
        args_(&args) {}

  bool has(int32_t role) const { return find(role) != nullptr; }
  Tensor tensor(int32_t role) const {
    const attn_binding* found = find(role);
    detail::require(found != nullptr, ATTN_INTERNAL, "the provider reads an unbound tensor");
    return Tensor(found->tensor);
  }

  void* const workspace;
  const uint64_t workspace_bytes;
  void* const stream;

 private:
  const attn_binding* find(int32_t role) const {
    for (uint32_t i = 0; i < args_->num_bindings; ++i) {
      if (args_->bindings[i]->role == role) return args_->bindings[i];
    }
    return nullptr;
  }
  const attn_execute_args* args_;
};

namespace detail {

inline bool is_aligned(const void* base, uint64_t byte_offset, uint64_t alignment) {
  return (reinterpret_cast<std::uintptr_t>(base) + byte_offset) % alignment == 0;
}

inline void check_binding(const attn_binding* binding, const TensorSpec& spec,
                          attn_device_id device) {
  constexpr uint32_t kBytes = ATTN_SIZE_TO(attn_binding, tensor);
  check_request(binding, kBytes, kBytes, "attn_binding");
  const attn_tensor& tensor = binding->tensor;
  const char* why = nullptr;
  if (binding->role != spec.role) {
    why = "has another role than its spec; bindings come in the order of the specs";
  } else if (!tensor.data || !tensor.shape || !tensor.strides) {
    why = "has no data, shape or strides";
  } else if (tensor.ndim != spec.ndim || !same_dtype(tensor.dtype, spec.dtype) ||
             !std::equal(tensor.shape, tensor.shape + spec.ndim, spec.shape.begin()) ||
             !std::equal(tensor.strides, tensor.strides + spec.ndim, spec.strides.begin())) {
    why = "differs from its spec in dtype, shape or strides";
  } else if (tensor.device.type != device.type || tensor.device.id != device.id) {
    why = "lies on another device than the instance";
  } else if (!is_aligned(tensor.data, tensor.byte_offset, spec.alignment)) {
    why = "is less aligned than its spec";
  }
  if (why) throw Failure(ATTN_INVALID_ARGUMENT, text("binding ", role_name(spec.role), " ", why));
}

inline void check_execute_args(const attn_execute_args* args, const std::vector<TensorSpec>& specs,
                               attn_device_id device, uint64_t workspace_bytes,
                               uint64_t workspace_alignment) {
  constexpr uint32_t kBytes = ATTN_SIZE_TO(attn_execute_args, stream);
  check_request(args, kBytes, kBytes, "attn_execute_args");
  if (args->num_bindings != specs.size()) {
    throw Failure(ATTN_INVALID_ARGUMENT,
                  text(args->num_bindings, " bindings for ", specs.size(), " specs"));
  }
  check_array(args->bindings, args->num_bindings, "attn_execute_args.bindings");
  for (std::size_t i = 0; i < specs.size(); ++i) check_binding(args->bindings[i], specs[i], device);

  if (workspace_bytes > 0 && (!args->workspace || args->workspace_bytes < workspace_bytes ||
                              !is_aligned(args->workspace, 0, workspace_alignment))) {
    throw Failure(ATTN_INVALID_ARGUMENT,
                  text("the plan needs a workspace of ", workspace_bytes, " bytes aligned to ",
                       workspace_alignment, ", not ", args->workspace_bytes, " bytes"));
  }
  bool needs_stream = device.type == ATTN_DEVICE_CUDA;
  if (needs_stream != (args->stream != nullptr)) {
    throw Failure(ATTN_INVALID_ARGUMENT,
                  needs_stream ? "stream is NULL on a CUDA device" : "stream is set on a CPU");
  }
}

}  // namespace detail
}  // namespace attn
