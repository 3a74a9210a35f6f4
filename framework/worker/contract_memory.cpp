// Facts about calls made when the machine has run out of memory.
//
// No test can know where a provider allocates, so the process is starved (all that the heap
// still has is taken, and no more address space is given) and then fed step by step: first crumbs
// within the heap, later whole mappings. Each step lets a call get a little further before it
// fails. While it starves, nothing of ours may allocate either.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <new>

#include "worker/contract_groups.h"
#include "worker/process_limit.h"
#include "worker/sanitized.h"

namespace attnbench {
namespace {

// Larger than what glibc keeps apart by size once it is freed: any smaller request can have a part.
constexpr size_t kCrumbBytes = 1040;
constexpr std::array<int, 10> kCrumbs = {0, 1, 2, 3, 4, 6, 8, 12, 16, 32};
// A thread's stack is 8 MiB: the last steps let one, then some, be made.
constexpr std::array<uint64_t, 5> kSpareBytes = {1 << 16, 1 << 18, 1 << 20, 9 << 20, 40 << 20};

// Address space that is mapped now, without allocating.
uint64_t mapped_bytes() {
  char text[64] = {};
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  if (count <= 0) return 0;
  return std::strtoull(text, nullptr, 10) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// Blocks that are held only so that nobody else has them; the list lives in the blocks themselves.
class Hoard {
 public:
  Hoard() = default;
  Hoard(const Hoard&) = delete;  // owns what it points at
  Hoard& operator=(const Hoard&) = delete;
  ~Hoard() {
    while (give_one()) {
    }
  }
  bool take_one(size_t bytes) {
    void* memory = std::malloc(bytes);
    if (memory == nullptr) return false;
    first_ = new (memory) Block{first_};
    return true;
  }
  bool give_one() {
    if (first_ == nullptr) return false;
    Block* given = first_;
    first_ = given->next;
    std::free(given);
    return true;
  }

 private:
  struct Block {
    Block* next;
  };
  Block* first_ = nullptr;
};

// A stack that must grow needs address space as well: whoever starves has it grown before.
[[gnu::noinline]] void grow_stack() {
  volatile char deep[1 << 20];
  for (size_t i = 0; i < sizeof deep; i += 1024) deep[i] = 0;
}

class Starvation {
 public:
  Starvation() : limit_(RLIMIT_AS) {
    grow_stack();
    for (int i = 0; i < kCrumbs.back(); ++i) crumbs_.take_one(kCrumbBytes);
    mapped_bytes_ = mapped_bytes();
    limit_.set(mapped_bytes_);
    for (size_t bytes = 1 << 20; bytes >= 16; bytes /= 2) {
      while (rest_.take_one(bytes)) {
      }
    }
  }
  void leave_crumbs(int count) {
    for (; crumbs_given_ < count; ++crumbs_given_) crumbs_.give_one();
  }
  void leave(uint64_t spare_bytes) { limit_.set(mapped_bytes_ + spare_bytes); }

 private:
  // Destroyed from the end: the limit goes last.
  ProcessLimit limit_;
  uint64_t mapped_bytes_ = 0;
  int crumbs_given_ = 0;
  Hoard crumbs_, rest_;
};

// The calls of all steps, in memory that is there before the first.
class StarvedCalls {
 public:
  explicit StarvedCalls(ContractStage& stage)
      : api_(stage.api()),
        instance_(stage.instance()),
        plan_(stage.plan()),
        create_(stage.create_args()),
        plan_args_(stage.plan_args()),
        execute_(stage.execute_args()) {}

  void make_all(const char* memory, uint64_t amount) {
    attn_instance* instance = nullptr;
    make("create", memory, amount,
         [&](attn_error* error) { return api_.create(&create_, &instance, error); });
    if (instance != nullptr) api_.destroy(instance);
    attn_plan* plan = nullptr;
    make("plan_create", memory, amount,
         [&](attn_error* error) { return api_.plan_create(instance_, &plan_args_, &plan, error); });
    if (plan != nullptr) api_.plan_destroy(plan);
    make("execute", memory, amount,
         [&](attn_error* error) { return api_.execute(plan_, &execute_, error); });
  }
  void note_on(ContractStage& stage) const {
    for (size_t i = 0; i < count_; ++i) {
      const Made& made = made_[i];
      stage.note_call({fmt::format("{} with {} {} to be had", made.call, made.amount, made.memory),
                       made.status, made.message.data(), 0.0});
    }
  }

 private:
  struct Made {
    const char *call, *memory;
    uint64_t amount;
    attn_status status;
    std::array<char, 200> message;
  };
  template <typename Call>
  void make(const char* name, const char* memory, uint64_t amount, Call call) {
    if (count_ == made_.size()) return;
    Made& made = made_[count_++];
    made = {name, memory, amount, ATTN_OK, {}};
    attn_error error{};
    error.struct_size = ATTN_SIZE_TO(attn_error, message_length);
    error.message = made.message.data();
    error.message_capacity = static_cast<uint32_t>(made.message.size());
    made.status = call(&error);
  }

  const attn_provider_api& api_;
  attn_instance* instance_;
  attn_plan* plan_;
  attn_create_args create_;
  attn_plan_args plan_args_;
  attn_execute_args execute_;
  size_t count_ = 0;
  std::array<Made, 3 * (kCrumbs.size() + kSpareBytes.size())> made_;
};

}  // namespace

void ask_without_memory(ContractStage& stage) {
  if (stage.desc().device_types[0] != ATTN_DEVICE_CPU) {
    return ask_without_device_memory(stage);  // a driver maps more than any limit allows
  }
  if (kSanitized) {
    return stage.nothing_to_ask("this worker is built with a sanitizer");
  }
  stage.execute(stage.plan(), stage.execute_args());
  const std::vector<float> before = stage.output();
  StarvedCalls calls(stage);
  stage.channel().enter(Phase::execute);  // for all of them: saying more takes memory
  {
    Starvation starvation;
    for (const int crumbs : kCrumbs) {
      starvation.leave_crumbs(crumbs);
      calls.make_all("pieces of 1 kB", static_cast<uint64_t>(crumbs));
    }
    for (const uint64_t spare_bytes : kSpareBytes) {
      starvation.leave(spare_bytes);
      calls.make_all("bytes", spare_bytes);
    }
  }
  calls.note_on(stage);
  attn_instance* instance = stage.create();
  stage.destroy(stage.plan(instance, stage.plan_args()));
  stage.destroy(instance);
  stage.execute(stage.plan(), stage.execute_args());
  stage.note("a sound pass gives the same answer once there is memory again",
             ContractStage::is_close(stage.output(), before));
}

}  // namespace attnbench
