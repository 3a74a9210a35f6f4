#include "kernel_kit/module.h"

namespace kernel_kit {

Module::Module(const gpu::Driver& driver, const std::string& image) : driver_(driver) {
  driver_.check(driver_.module_load(&module_, image.c_str()), "loading compiled kernels");
}

Module::~Module() {
  driver_.module_unload(module_);
}

CUfunction Module::function(const Launch& launch) const {
  CUfunction function = nullptr;
  driver_.check(driver_.module_function(&function, module_, launch.kernel), launch.kernel);
  if (launch.dynamic_shared_memory_bytes > 0) {
    driver_.check(
        driver_.set_function_attribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                       launch.dynamic_shared_memory_bytes),
        "asking for dynamic shared memory");
  }
  return function;
}

int Module::attribute(CUfunction function, CUfunction_attribute which) const {
  int value = 0;
  driver_.check(driver_.function_attribute(&value, which, function), "asking about a kernel");
  return value;
}

void Module::launch(CUfunction function, const Launch& launch, void** parameters,
                    void* stream) const {
  CUlaunchConfig config{};
  config.gridDimX = launch.grid.x;
  config.gridDimY = launch.grid.y;
  config.gridDimZ = launch.grid.z;
  config.blockDimX = launch.block.x;
  config.blockDimY = launch.block.y;
  config.blockDimZ = launch.block.z;
  config.sharedMemBytes = static_cast<unsigned>(launch.dynamic_shared_memory_bytes);
  config.hStream = static_cast<CUstream>(stream);
  CUlaunchAttribute cluster{};
  if (launch.cluster.x > 0) {
    cluster.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
    cluster.value.clusterDim = {launch.cluster.x, launch.cluster.y, launch.cluster.z};
    config.attrs = &cluster;
    config.numAttrs = 1;
  }
  driver_.check(driver_.launch_with(&config, function, parameters, nullptr), launch.kernel);
}

}  // namespace kernel_kit
