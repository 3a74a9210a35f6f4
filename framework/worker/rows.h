// The host's look into the tensors as they lie: chosen rows, and sums over the sequence.
#pragma once

#include "protocol/messages.h"
#include "worker/case_tensors.h"

namespace attnbench {

// Both throw CallFailure on a role or an address that the case does not have.
std::vector<float> read_rows(Device& device, const CaseTensors& tensors,
                             const std::vector<RowAddress>& rows);
std::vector<double> sum_rows(Device& device, const CaseTensors& tensors, const std::string& role);

}  // namespace attnbench
