// Facts about what a refused call leaves in the caller's hands: answers and error records.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "worker/contract_groups.h"

namespace attnbench {

void ask_about_failed_answers(ContractStage& stage) {
  const attn_provider_api& api = stage.api();
  attn_create_args args = stage.create_args();
  args.provider_id = "no_such_provider";
  attn_instance* instance = reinterpret_cast<attn_instance*>(&args);
  stage.ask("create of an unknown id", Phase::create,
            [&](attn_error* error) { return api.create(&args, &instance, error); });
  stage.note("a failed create leaves NULL in *instance", instance == nullptr);
  Question question(stage.plan_args());
  question.problem.batch = 0;
  attn_plan* plan = reinterpret_cast<attn_plan*>(&args);
  stage.ask("plan_create with batch 0", Phase::plan_create, [&](attn_error* error) {
    return api.plan_create(stage.instance(), &question.args(), &plan, error);
  });
  stage.note("a failed plan_create leaves NULL in *plan", plan == nullptr);
}

void ask_about_error_buffers(ContractStage& stage) {
  constexpr char kCanary = 'c';
  Question question(stage.plan_args());
  question.problem.batch = 0;
  const attn_plan_args& args = question.args();
  attn_instance* instance = stage.instance();
  stage.channel().enter(Phase::supports);
  stage.note("a call without an error record is refused like one with it",
             stage.api().supports(instance, &args, nullptr) != ATTN_OK);
  for (const uint32_t capacity : {0u, 1u, 8u}) {
    std::array<char, 64> buffer;
    buffer.fill(kCanary);
    attn_error error{};
    error.struct_size = ATTN_SIZE_TO(attn_error, message_length);
    error.message = capacity == 0 ? nullptr : buffer.data();
    error.message_capacity = capacity;
    const attn_status status = stage.api().supports(instance, &args, &error);
    const auto end = buffer.begin() + capacity;
    stage.note(fmt::format("a message buffer of {} bytes is not overrun", capacity),
               std::all_of(end, buffer.end(), [](char c) { return c == kCanary; }));
    stage.note(fmt::format("a message buffer of {} bytes ends in NUL", capacity),
               capacity == 0 || std::find(buffer.begin(), end, '\0') != end);
    stage.note(
        fmt::format("the error record repeats the status with {} bytes to write in", capacity),
        error.status == status);
  }
  attn_error old{};
  old.struct_size = ATTN_SIZE_TO(attn_error, native_code);
  old.native_code = kCanary;
  stage.api().supports(instance, &args, &old);
  stage.note("an error record shorter than in 1.0 is left alone",
             old.status == 0 && old.native_code == kCanary);
}

}  // namespace attnbench
