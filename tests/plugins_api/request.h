// One question to a provider, with tensors to answer it on: what attnbench's worker would pass,
// made small. Tests bend single fields of it and look at the status that comes back.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "attnbench/provider.hpp"

namespace attnbench {

struct Case {
  uint32_t op = ATTN_OP_FWD;
  attn_dtype dtype = attn::kFp32;
  int64_t batch = 1, heads_q = 1, heads_kv = 1, seqlen_q = 3, seqlen_kv = 3;
  int64_t head_dim_qk = 4, head_dim_v = 4;
  bool is_bhsd = false;
  int32_t mask = ATTN_MASK_NONE;
  bool has_bias = false, broadcasts_bias_batch = false, broadcasts_bias_heads = false;
  bool writes_lse = true;
};

// A tensor with its memory: aligned to 256 bytes, outputs full of NaN.
class StoredTensor {
 public:
  StoredTensor(int32_t its_role, attn_dtype its_dtype, std::vector<int64_t> its_shape,
               std::vector<int64_t> its_strides)
      : role(its_role), dtype(its_dtype), shape(its_shape), strides(its_strides) {
    int64_t elements = 1;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      elements += (shape[axis] - 1) * strides[axis];
    }
    bytes_ = static_cast<std::size_t>(elements) * dtype.bits / 8;
    memory_.reset(new (std::align_val_t{256}) std::byte[bytes_]);
    std::memset(memory_.get(), 0xff, bytes_);
  }

  double get(int64_t a, int64_t b, int64_t c, int64_t d = 0) const {
    double out = 0;
    attn::with_type_of(dtype, [&]<class T>(T) {
      out = static_cast<double>(attn::to_float(reinterpret_cast<T*>(data())[offset(a, b, c, d)]));
    });
    return out;
  }
  void set(int64_t a, int64_t b, int64_t c, int64_t d, double value) {
    attn::with_type_of(dtype, [&]<class T>(T) {
      reinterpret_cast<T*>(data())[offset(a, b, c, d)] =
          attn::from_float<T>(static_cast<float>(value));
    });
  }
  template <class Call>  // with (a, b, c, d); a tensor of three axes has d = 0
  void for_each(Call&& call) const {
    int64_t last = shape.size() == 4 ? shape[3] : 1;
    for (int64_t a = 0; a < shape[0]; ++a)
      for (int64_t b = 0; b < shape[1]; ++b)
        for (int64_t c = 0; c < shape[2]; ++c)
          for (int64_t d = 0; d < last; ++d) call(a, b, c, d);
  }
  std::byte* data() const { return memory_.get(); }
  std::vector<std::byte> bytes() const { return {data(), data() + bytes_}; }

  int32_t role;
  attn_dtype dtype;
  std::vector<int64_t> shape, strides;

 private:
  struct Free {
    void operator()(std::byte* memory) const { operator delete[](memory, std::align_val_t{256}); }
  };
  int64_t offset(int64_t a, int64_t b, int64_t c, int64_t d) const {
    return a * strides[0] + b * strides[1] + c * strides[2] +
           (strides.size() == 4 ? d * strides[3] : 0);
  }
  std::size_t bytes_ = 0;
  std::unique_ptr<std::byte[], Free> memory_;
};

// All structs of one trial, linked to each other. Not movable: they point to one another.
class Request {
 public:
  explicit Request(const Case& given) : c(given) {
    fill_problem();
    add(ATTN_ROLE_Q, c.seqlen_q, c.heads_q, c.head_dim_qk);
    add(ATTN_ROLE_K, c.seqlen_kv, c.heads_kv, c.head_dim_qk);
    add(ATTN_ROLE_V, c.seqlen_kv, c.heads_kv, c.head_dim_v);
    add(ATTN_ROLE_O, c.seqlen_q, c.heads_q, c.head_dim_v);
    bool is_backward = c.op == ATTN_OP_BWD;
    if (is_backward || c.writes_lse) {
      tensors.emplace_back(ATTN_ROLE_LSE, attn::kFp32, Extents{c.batch, c.heads_q, c.seqlen_q},
                           Extents{c.heads_q * c.seqlen_q, c.seqlen_q, 1});
    }
    if (c.has_bias) add_bias();
    if (is_backward) {
      add(ATTN_ROLE_DO, c.seqlen_q, c.heads_q, c.head_dim_v);
      add(ATTN_ROLE_DQ, c.seqlen_q, c.heads_q, c.head_dim_qk);
      add(ATTN_ROLE_DK, c.seqlen_kv, c.heads_kv, c.head_dim_qk);
      add(ATTN_ROLE_DV, c.seqlen_kv, c.heads_kv, c.head_dim_v);
    }
    fill_inputs();
    link();
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  StoredTensor& at(int32_t role) { return *find(role); }
  const StoredTensor& at(int32_t role) const { return *find(role); }
  attn_tensor_spec& spec(int32_t role) {
    return specs[static_cast<std::size_t>(find(role) - tensors.data())];
  }
  attn_binding& binding(int32_t role) {
    return bindings[static_cast<std::size_t>(find(role) - tensors.data())];
  }

  void add_option(attn_option option) {
    option.struct_size = ATTN_SIZE_TO(attn_option, string_value);
    options.push_back(option);
    option_pointers = attn::detail::pointers_to(options);
    plan_args.num_options = static_cast<uint32_t>(options.size());
    plan_args.options = option_pointers.data();
  }
  void give_workspace(uint64_t bytes) {
    workspace.assign((bytes + 255) / 256 * 256 + 256, std::byte{0xff});
    std::uintptr_t address = reinterpret_cast<std::uintptr_t>(workspace.data());
    execute_args.workspace = bytes ? workspace.data() + (256 - address % 256) : nullptr;
    execute_args.workspace_bytes = bytes;
  }

  Case c;
  attn_problem problem{};
  std::vector<StoredTensor> tensors;
  std::vector<attn_tensor_spec> specs;
  std::vector<attn_binding> bindings;
  std::vector<attn_option> options;
  std::vector<const attn_tensor_spec*> spec_pointers;
  std::vector<const attn_binding*> binding_pointers;
  std::vector<const attn_option*> option_pointers;
  std::vector<std::byte> workspace;
  attn_plan_args plan_args{};
  attn_execute_args execute_args{};

 private:
  using Extents = std::vector<int64_t>;

  const StoredTensor* find(int32_t role) const {
    for (const StoredTensor& tensor : tensors) {
      if (tensor.role == role) return &tensor;
    }
    throw std::logic_error("the request has no such tensor");
  }
  StoredTensor* find(int32_t role) {
    return const_cast<StoredTensor*>(std::as_const(*this).find(role));
  }

  void fill_problem() {
    problem.struct_size = ATTN_SIZE_TO(attn_problem, window_right);
    problem.op = c.op;
    problem.mask = c.mask;
    problem.batch = c.batch;
    problem.heads_q = c.heads_q;
    problem.heads_kv = c.heads_kv;
    problem.seqlen_q = c.seqlen_q;
    problem.seqlen_kv = c.seqlen_kv;
    problem.head_dim_qk = c.head_dim_qk;
    problem.head_dim_v = c.head_dim_v;
    bool is_forward = c.op == ATTN_OP_FWD;
    problem.features =
        (c.mask != ATTN_MASK_NONE ? ATTN_FEATURE_CAUSAL : 0) |
        (c.has_bias ? ATTN_FEATURE_BIAS : 0) | (c.heads_kv < c.heads_q ? ATTN_FEATURE_GQA : 0) |
        (is_forward ? 0 : ATTN_FEATURE_BWD) | (is_forward && c.writes_lse ? ATTN_FEATURE_LSE : 0);
  }
  void add(int32_t role, int64_t seqlen, int64_t heads, int64_t dim) {
    Extents strides = c.is_bhsd ? Extents{heads * seqlen * dim, dim, seqlen * dim, 1}
                                : Extents{seqlen * heads * dim, heads * dim, dim, 1};
    tensors.emplace_back(role, c.dtype, Extents{c.batch, seqlen, heads, dim}, strides);
  }
  void add_bias() {
    int64_t plane = c.seqlen_q * c.seqlen_kv;
    int64_t head_stride = c.broadcasts_bias_heads ? 0 : plane;
    int64_t heads = c.broadcasts_bias_heads ? 1 : c.heads_q;
    int64_t batch_stride = c.broadcasts_bias_batch ? 0 : heads * plane;
    tensors.emplace_back(ATTN_ROLE_BIAS, c.dtype,
                         Extents{c.batch, c.heads_q, c.seqlen_q, c.seqlen_kv},
                         Extents{batch_stride, head_stride, c.seqlen_kv, 1});
  }
  void fill_inputs() {
    std::mt19937 random(20240607);
    std::normal_distribution<double> normal;
    for (StoredTensor& tensor : tensors) {
      if (attn::detail::is_output(c.op, tensor.role)) continue;
      tensor.for_each([&](int64_t i, int64_t j, int64_t k, int64_t l) {
        tensor.set(i, j, k, l, normal(random));
      });
    }
  }
  void link() {
    specs.resize(tensors.size());
    bindings.resize(tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      StoredTensor& t = tensors[i];
      bool is_output = attn::detail::is_output(c.op, t.role);
      int32_t ndim = static_cast<int32_t>(t.shape.size());
      specs[i] = {ATTN_SIZE_TO(attn_tensor_spec, access),
                  t.role,
                  t.dtype,
                  ndim,
                  t.shape.data(),
                  t.strides.data(),
                  0,
                  static_cast<uint32_t>(is_output ? ATTN_ACCESS_WRITE : ATTN_ACCESS_READ)};
      bindings[i] = {
          ATTN_SIZE_TO(attn_binding, tensor),
          t.role,
          {t.data(), {ATTN_DEVICE_CPU, 0}, ndim, t.dtype, t.shape.data(), t.strides.data(), 0}};
    }
    spec_pointers = attn::detail::pointers_to(specs);
    binding_pointers = attn::detail::pointers_to(bindings);
    plan_args.struct_size = ATTN_SIZE_TO(attn_plan_args, options);
    plan_args.num_specs = static_cast<uint32_t>(specs.size());
    plan_args.problem = &problem;
    plan_args.specs = spec_pointers.data();
    execute_args.struct_size = ATTN_SIZE_TO(attn_execute_args, stream);
    execute_args.num_bindings = static_cast<uint32_t>(bindings.size());
    execute_args.bindings = binding_pointers.data();
  }
};

}  // namespace attnbench
