// What the groups of contract calls on a GPU have in common.
#pragma once

#include <vector>

#include "device/cuda_probe.h"
#include "worker/contract_stage.h"

namespace attnbench {

CudaProbe probe_of(ContractStage& stage);  // throws CallFailure where the device is no GPU
// A pass with the stage's own plan and sound arguments; what O holds after it.
std::vector<float> sound_output(ContractStage& stage);

}  // namespace attnbench
