// The tensors of one case: allocated once, shared by all its trials. Inputs come in two variants
// that take turns at the same addresses, so that a provider which remembers an answer is found out.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "device/device.h"

namespace attnbench {

class CaseTensors {
 public:
  // Allocates everything that the problem's mode needs and fills variant 0. Throws CallFailure
  // (init_failed) if that does not fit, before any memory is touched.
  CaseTensors(Device& device, const Problem& problem, uint64_t seed);

  const Problem& problem() const { return problem_; }
  uint64_t tensor_bytes() const;
  attn_device_id device_id() const { return device_.identity().id; }
  bool has(Role role) const { return tensors_.contains(role); }
  const TensorLayout& layout(Role role) const { return tensors_.at(role).layout; }
  const Buffer& buffer(Role role) const { return tensors_.at(role).buffer; }
  std::vector<Role> roles() const;

  // Writes the drawn inputs of `variant` where the others were; what was computed is void then.
  void use_variant(int variant);
  int variant() const { return variant_; }

  // O and LSE as left by the forward of `maker`, inputs of the backward pass from now on.
  void keep_forward(const void* maker);
  bool has_forward_of(const void* maker) const { return forward_maker_ == maker; }
  void forget_forward();

  // Whose burst left what is in the outputs; nullptr: nobody's.
  void keep_writer(const void* writer) { writer_ = writer; }
  bool was_written_by(const void* writer) const { return writer_ == writer; }

  // Inputs that are not as they were filled in. Puts them right again, so that the next trial is
  // not blamed; a computed one is forgotten.
  std::vector<Role> repair_inputs();

 private:
  struct Tensor {
    TensorLayout layout;
    Buffer buffer;
    uint64_t input_hash = 0;
  };
  void fill_drawn_inputs();

  Device& device_;
  Problem problem_;
  std::array<InputSource, 2> sources_;
  std::map<Role, Tensor> tensors_;
  int variant_ = 0;
  const void* forward_maker_ = nullptr;
  const void* writer_ = nullptr;
};

}  // namespace attnbench
