// A guest on a GPU: right and slow with vice=none, and with every other value of the option it
// breaks one rule. What must become of each is in check_drill.py.
#include <dlfcn.h>

#include <attnbench/provider.hpp>

extern "C" const char attnbench_guest_ptx[];

namespace guest {
namespace {

struct Driver {
  int (*load)(void** module, const void* image);
  int (*find)(void** function, void* module, const char* name);
  int (*launch)(void* function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                unsigned, void* stream, void** arguments, void** extra);
  int (*allocate)(uint64_t* address, size_t bytes);
  int (*zero)(uint64_t address, unsigned char value, size_t bytes, void* stream);
  int (*make_stream)(void** stream, unsigned flags);
  int (*wait)(void* stream);

  Driver() {
    void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NODELETE);
    if (library == nullptr) throw attn::Failure(ATTN_UNSUPPORTED, "no libcuda.so.1");
    const auto get = [library](const char* name, auto& function) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    };
    get("cuModuleLoadData", load);
    get("cuModuleGetFunction", find);
    get("cuLaunchKernel", launch);
    get("cuMemAlloc_v2", allocate);
    get("cuMemsetD8Async", zero);
    get("cuStreamCreate", make_stream);
    get("cuStreamSynchronize", wait);
  }
};

void check(int result, const char* doing) {
  if (result == 0) return;
  throw attn::Failure(ATTN_EXECUTION_FAILED, std::string(doing) + " failed",
                      ATTN_NATIVE_CUDA_DRIVER, result);
}

struct Forward {  // as in guest_kernels.cu
  const void *q, *k, *v;
  void* o;
  int64_t q_strides[3], kv_strides[3];
  int seqlen_kv, head_dim, queries_per_kv_head;
  float scale;
};

struct Device {
  Driver driver;
  void* module = nullptr;
  void* side_stream = nullptr;

  Device() {
    check(driver.load(&module, attnbench_guest_ptx), "loading kernels");
    check(driver.make_stream(&side_stream, 1), "making a stream");
  }
  template <typename... Arguments>
  void run(const char* kernel, void* stream, std::array<int64_t, 3> grid, unsigned threads,
           Arguments... arguments) {
    void* function = nullptr;
    check(driver.find(&function, module, kernel), kernel);
    void* addresses[] = {static_cast<void*>(&arguments)..., nullptr};
    check(
        driver.launch(function, static_cast<unsigned>(grid[0]), static_cast<unsigned>(grid[1]),
                      static_cast<unsigned>(grid[2]), threads, 1, 1, 0, stream, addresses, nullptr),
        kernel);
  }
};

class Plan {
 public:
  Plan(Device& device, const attn::PlanRequest& request)
      : device_(device),
        problem_(request.problem),
        scale_(static_cast<float>(request.softmax_scale())),
        vice_(request.options.get_string("vice")) {}

  attn::PlanInfo info() const {
    attn::PlanInfo out;
    out.workspace_bytes = vice_ == "greedy" ? uint64_t{200} << 30 : 256;
    out.flags = vice_ == "waits" || vice_ == "none" ? ATTN_PLAN_GRAPH_SAFE : 0;
    return out;
  }

  void execute(const attn::Execution& pass) {
    void* const stream = pass.stream;
    if (vice_ == "nowhere") device_.run("write_to_nowhere", stream, {1, 1, 1}, 1);
    if (vice_ == "endless") {
      const uint64_t zero = reinterpret_cast<uint64_t>(pass.workspace);
      check(device_.driver.zero(zero, 0, 256, stream), "zeroing");
      device_.run("never_end", stream, {1, 1, 1}, 1, zero);
    }
    if (vice_ == "leaks") {
      uint64_t forgotten = 0;
      check(device_.driver.allocate(&forgotten, 8 << 20), "leaking");
    }
    if (vice_ == "waits") check(device_.driver.wait(stream), "waiting");
    const attn::Tensor o = pass.tensor(ATTN_ROLE_O);
    const uint64_t end = reinterpret_cast<uint64_t>(o.data()) +
                         static_cast<uint64_t>(problem_.batch * problem_.seqlen_q *
                                               problem_.heads_q * problem_.head_dim_qk * 2);
    if (vice_ == "oversteps") device_.run("write_one", stream, {1, 1, 1}, 1, end);
    if (vice_ == "scribbles") {
      device_.run("write_one", stream, {1, 1, 1}, 1, pass.tensor(ATTN_ROLE_K).data());
    }
    // On a stream that nobody waits for, and late: timed as nothing, and not there when looked at.
    const bool strays = vice_ == "strays";
    if (strays) device_.run("delay", device_.side_stream, {1, 1, 1}, 1, uint64_t{50'000'000});
    forward(pass, strays ? device_.side_stream : stream);
  }

 private:
  void forward(const attn::Execution& pass, void* stream) {
    const attn::Tensor q = pass.tensor(ATTN_ROLE_Q), k = pass.tensor(ATTN_ROLE_K);
    Forward forward{q.data(),
                    k.data(),
                    pass.tensor(ATTN_ROLE_V).data(),
                    pass.tensor(ATTN_ROLE_O).data(),
                    {},
                    {},
                    0,
                    0,
                    0,
                    scale_};
    for (int axis = 0; axis < 3; ++axis) {
      forward.q_strides[axis] = q.stride(axis);
      forward.kv_strides[axis] = k.stride(axis);
    }
    forward.seqlen_kv = static_cast<int>(problem_.seqlen_kv);
    forward.head_dim = static_cast<int>(problem_.head_dim_qk);
    forward.queries_per_kv_head = static_cast<int>(problem_.heads_q / problem_.heads_kv);
    device_.run("forward", stream, {problem_.seqlen_q, problem_.heads_q, problem_.batch}, 128,
                forward);
  }

  Device& device_;
  attn_problem problem_;
  float scale_;
  std::string vice_;
};

class Provider {
 public:
  static attn::Descriptor descriptor() {
    return {.id = "gpu_guest",
            .name = "GPU guest",
            .vendor = "attnbench tests",
            .version = "1.0.0",
            .license = "Apache-2.0",
            .description = "Slow and right, or breaks one rule, to see what becomes of it.",
            .features = ATTN_FEATURE_GQA,
            .device_types = {ATTN_DEVICE_CUDA},
            .dtypes = {attn::kFp16},
            .options = {attn::string_choice("vice", "The rule to break.", "none",
                                            {"none", "nowhere", "endless", "greedy", "leaks",
                                             "waits", "oversteps", "scribbles", "strays"})}};
  }
  static int32_t probe(const attn::Device&) { return 1; }
  explicit Provider(const attn::CreateRequest&) {}

  attn::Answer supports(const attn::PlanRequest& request) const {
    if (request.problem.seqlen_kv <= 4096) return attn::yes();
    return attn::refuse(ATTN_UNSUPPORTED_SHAPE, "seqlen_kv is 4096 at most");
  }
  std::unique_ptr<Plan> make_plan(const attn::PlanRequest& request) {
    return std::make_unique<Plan>(device_, request);
  }

 private:
  Device device_;
};

}  // namespace
}  // namespace guest

ATTN_PROVIDERS(guest::Provider)
