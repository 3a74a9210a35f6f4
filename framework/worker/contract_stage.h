// What a group of contract calls stands on: the provider's raw table, a small case on its device,
// questions about that case that may be bent field by field, and the facts noted so far.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "provider/error_record.h"
#include "provider/library.h"
#include "worker/channel.h"
#include "worker/host_table.h"
#include "worker/pass_arguments.h"

namespace attnbench {

// The arguments of supports and plan_create as values that can be changed. Call args() for what to
// pass, after the last change.
struct Question {
  explicit Question(const attn_plan_args& from);
  Question(const Question&) = delete;  // its structs point at each other
  Question& operator=(const Question&) = delete;

  struct Spec {
    attn_tensor_spec abi{};
    std::vector<int64_t> shape, strides;
  };
  Spec& spec(int32_t role);
  // Contiguous (batch, seqlen, heads, head_dim) specs for what `problem` now says.
  void reshape();
  void add_option(const std::string& name, int32_t type, int64_t integer, double number = 0.0,
                  const char* text = nullptr);
  const attn_plan_args& args();

  attn_problem problem{};
  std::vector<Spec> specs;

 private:
  attn_plan_args args_{};
  std::deque<std::string> names_;
  std::vector<attn_option> options_;
  std::vector<const attn_tensor_spec*> spec_pointers_;
  std::vector<const attn_option*> option_pointers_;
};

// The arguments of execute, likewise.
struct PassQuestion {
  explicit PassQuestion(const attn_execute_args& from);
  PassQuestion(const PassQuestion&) = delete;
  PassQuestion& operator=(const PassQuestion&) = delete;
  attn_binding& binding(int32_t role);
  const attn_execute_args& args();

  std::vector<attn_binding> bindings;
  attn_execute_args abi{};

 private:
  std::vector<const attn_binding*> pointers_;
};

size_t entries_in(const char* directory);  // "/proc/self/task"
// What this process has passed to write() so far; 0 where the kernel does not count.
uint64_t written_bytes();

// What it cost to load the library and to ask for its table.
struct Loading {
  double elapsed_ms = 0.0;
  int64_t new_threads = 0;
  uint64_t written_bytes = 0;
};

class ContractStage {
 public:
  ContractStage(const ContractRequest& request, Channel& channel);
  ~ContractStage();
  ContractStage(const ContractStage&) = delete;  // providers hold pointers to its parts
  ContractStage& operator=(const ContractStage&) = delete;

  // A call that is a fact: timed, its status and words noted under `what`.
  template <typename Call>
  attn_status ask(const std::string& what, Phase phase, Call&& call) {
    channel_.enter(phase);
    ErrorRecord error;
    const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    const attn_status status = call(error.get());
    const std::chrono::duration<double, std::milli> elapsed =
        std::chrono::steady_clock::now() - start;
    reply_.calls.push_back({what, status, error.text(), elapsed.count()});
    return status;
  }
  void note_call(CallFact call) { reply_.calls.push_back(std::move(call)); }
  void note(std::string promise, bool is_kept) {
    reply_.promises.push_back({std::move(promise), is_kept});
  }
  void nothing_to_ask(std::string why) { reply_.inapplicable = std::move(why); }

  // Calls that have to come off, or CallFailure: the ground on which facts are gathered.
  attn_instance* create();
  attn_instance* instance();  // the stage's own, made when first needed
  attn_plan* plan(attn_instance* instance, const attn_plan_args& args);
  attn_plan* plan();  // likewise
  attn_plan_info info(attn_plan* plan);
  // Executes on poisoned outputs and waits.
  void execute(attn_plan* plan, const attn_execute_args& args);
  void destroy(attn_instance* instance);
  void destroy(attn_plan* plan);

  Buffer make_workspace(const attn_plan_info& info);
  // Arguments for the stage's own plan, workspace included; or for another plan of its problem.
  attn_execute_args execute_args();
  attn_execute_args execute_args(const Buffer& workspace);
  const attn_plan_args& plan_args();
  attn_create_args create_args();
  void poison_outputs();
  bool outputs_are_untouched();
  std::vector<float> output();  // some rows of O as they lie now
  int64_t head_of_output(size_t element) const;
  static bool is_close(const std::vector<float>& a, const std::vector<float>& b);

  const attn_provider_api& api() const { return library_->api(); }
  const attn_provider_desc& desc() const { return *desc_; }
  const ProviderLibrary& library() const { return *library_; }
  void unload() { library_.reset(); }  // nothing else can be asked after it
  const Loading& loading() const { return loading_; }
  Device& device();  // opened when first needed
  const ContractRequest& request() const { return request_; }
  const HostTable& host() const { return *host_; }
  CaseTensors& tensors();
  Buffer& workspace() { return workspace_; }
  Channel& channel() { return channel_; }
  const ContractReply& facts() const { return reply_; }
  ContractReply take_reply() { return std::move(reply_); }

 private:
  const ContractRequest& request_;
  Channel& channel_;
  ContractReply reply_;
  Loading loading_;
  // In the order in which they need each other; destroyed from the end.
  std::unique_ptr<ProviderLibrary> library_;
  const attn_provider_desc* desc_ = nullptr;
  std::unique_ptr<Device> device_;
  std::unique_ptr<HostTable> host_;
  std::unique_ptr<CaseTensors> tensors_;
  std::unique_ptr<PassArguments> arguments_;
  Buffer workspace_;
  attn_instance* instance_ = nullptr;
  attn_plan* plan_ = nullptr;
};

}  // namespace attnbench
