// Looks at all of NVIDIA's software and GPUs here, for `attnbench doctor`. Makes no context, so it
// takes no GPU memory and disturbs nobody.
#pragma once

#include "model/inspection.h"

namespace attnbench {

Inspection inspect_cuda();  // what is missing is said in the result

}  // namespace attnbench
