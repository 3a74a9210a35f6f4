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
    {"table", ask_about_table},
    {"values", ask_about_values},
    {"extensions", ask_about_extensions},
    {"unknown-ids", ask_about_unknown_ids},
    {"no-devices", ask_without_devices},
    {"exports", ask_about_exports},
    {"null", ask_with_null},
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
