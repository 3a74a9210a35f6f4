#include "worker/case_tensors.h"

#include <fmt/format.h>

#include <set>

#include "base/text.h"
#include "model/work.h"
#include "provider/call_failure.h"

namespace attnbench {
namespace {

std::set<Role> roles_in_case(const Problem& problem) {
  std::set<Role> roles;
  for (const Pass pass : {Pass::fwd, Pass::bwd}) {
    if (pass == Pass::bwd && !problem.has_backward()) continue;
    const PassRoles in_pass = roles_of(problem, pass);
    roles.insert(in_pass.inputs.begin(), in_pass.inputs.end());
    roles.insert(in_pass.outputs.begin(), in_pass.outputs.end());
  }
  return roles;
}

CallFailure does_not_fit(const std::string& why) {
  return CallFailure(Outcome::init_failed, "tensors-too-large",
                     "the problem's tensors cannot be allocated: " + why);
}

// As a double, so that no product of sizes can wrap.
void check_that_tensors_fit(const Device& device, const Problem& problem) {
  const double needed_bytes = tensor_bytes(problem);
  const uint64_t free_bytes = device.free_bytes();
  if (needed_bytes > static_cast<double>(free_bytes)) {
    throw does_not_fit(
        fmt::format("they need {:.0f} bytes, {} are free", needed_bytes, free_bytes));
  }
}

}  // namespace

CaseTensors::CaseTensors(Device& device, const Problem& problem, uint64_t seed)
    : device_(device),
      problem_(problem),
      sources_{InputSource(problem, seed, 0), InputSource(problem, seed, 1)} {
  check_that_tensors_fit(device, problem);
  try {
    for (const Role role : roles_in_case(problem)) {
      TensorLayout layout = layout_of(problem, role);
      Buffer buffer = device_.allocate(static_cast<uint64_t>(layout.bytes), 256);
      device_.poison(buffer);
      tensors_.emplace(role, Tensor{std::move(layout), std::move(buffer), 0});
    }
  } catch (const OutOfDeviceMemory& error) {
    throw does_not_fit(error.what());
  }
  fill_drawn_inputs();
}

uint64_t CaseTensors::tensor_bytes() const {
  uint64_t bytes = 0;
  for (const auto& [role, tensor] : tensors_) bytes += tensor.buffer.bytes();
  return bytes;
}

std::vector<Role> CaseTensors::roles() const {
  std::vector<Role> roles;
  for (const auto& [role, tensor] : tensors_) roles.push_back(role);
  return roles;
}

void CaseTensors::use_variant(int variant) {
  if (variant == variant_) return;
  variant_ = variant;
  forget_forward();
  fill_drawn_inputs();
}

void CaseTensors::fill_drawn_inputs() {
  for (auto& [role, tensor] : tensors_) {
    if (!is_drawn(role)) continue;
    device_.fill_input(tensor.buffer, tensor.layout, sources_.at(static_cast<size_t>(variant_)));
    tensor.input_hash = device_.hash(tensor.buffer);
  }
}

void CaseTensors::keep_forward(const void* maker) {
  forward_maker_ = maker;
  for (const Role role : {Role::o, Role::lse}) {
    tensors_.at(role).input_hash = device_.hash(tensors_.at(role).buffer);
  }
}

void CaseTensors::forget_forward() {
  forward_maker_ = nullptr;
}

std::vector<Role> CaseTensors::repair_inputs() {
  std::vector<Role> changed;
  for (auto& [role, tensor] : tensors_) {
    const bool is_input =
        is_drawn(role) || (forward_maker_ != nullptr && (role == Role::o || role == Role::lse));
    if (is_input && device_.hash(tensor.buffer) != tensor.input_hash) changed.push_back(role);
  }
  if (!changed.empty()) {
    forget_forward();
    fill_drawn_inputs();
  }
  return changed;
}

}  // namespace attnbench
