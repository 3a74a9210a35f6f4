#include "worker/contract.h"

#include <string_view>

#include "worker/contract_groups.h"

namespace attnbench {
namespace {

struct Group {
  std::string_view name;
  void (*ask)(ContractStage&);
};

constexpr Group kGroups[] = {
    {"entry", ask_about_entry},
    {"loading", ask_about_loading},
    {"files", ask_about_files},
    {"unloading", ask_about_unloading},
    {"table", ask_about_table},
    {"values", ask_about_values},
    {"extensions", ask_about_extensions},
    {"unknown-ids", ask_about_unknown_ids},
    {"no-devices", ask_without_devices},
    {"exports", ask_about_exports},
    {"null", ask_with_null},
    {"unknown-instances", ask_to_create_unknown},
    {"failed-answers", ask_about_failed_answers},
    {"short-structs", ask_with_short_structs},
    {"zero-tails", ask_with_zero_tails},
    {"unknown-tails", ask_with_unknown_tails},
    {"unknown-meanings", ask_for_unknown_meanings},
    {"odd-problems", ask_for_odd_problems},
    {"huge-problems", ask_for_huge_problems},
    {"wrong-options", ask_for_wrong_options},
    {"error-buffers", ask_about_error_buffers},
    {"one-pass", ask_for_one_pass},
    {"wrong-bindings", ask_with_wrong_bindings},
    {"wrong-workspace", ask_with_wrong_workspace},
    {"after-errors", ask_after_errors},
    {"byte-offset", ask_with_byte_offset},
    {"wider-strides", ask_with_wider_strides},
    {"another-thread", ask_from_another_thread},
    {"two-instances", ask_two_instances},
    {"twice", ask_twice},
    {"plan-info", ask_about_plan_info},
    {"resolved-options", ask_with_resolved_options},
    {"destroy-null", ask_to_destroy_null},
    {"many-times", ask_many_times},
    {"manners", ask_about_manners},
    {"supports-and-plans", ask_supports_and_plans},
    {"support", ask_for_support},
    {"context-of-probe", ask_about_context_of_probe},
    {"behind-other-work", ask_behind_other_work},
    {"return", ask_for_return},
    {"default-stream", ask_about_default_stream},
    {"allocation", ask_about_allocation},
    {"capture", ask_to_capture},
    {"context", ask_about_context},
    {"device-memory", ask_about_device_memory},
    {"largest-tiles", ask_for_largest_tiles},
    {"no-memory", ask_without_memory},
    {"good-cache", ask_to_fill_cache},
    {"bad-caches", ask_with_bad_caches},
};

}  // namespace

ContractReply check_contract(const ContractRequest& request, Channel& channel) {
  for (const Group& group : kGroups) {
    if (group.name != request.group) continue;
    ContractStage stage(request, channel);
    group.ask(stage);
    return stage.take_reply();
  }
  throw ProtocolError("there is no group of contract calls \"" + request.group + "\"");
}

}  // namespace attnbench
