// The groups of contract calls, by what they ask about. Each notes facts on its stage.
#pragma once

#include "worker/contract_stage.h"

namespace attnbench {

// contract_scan.cpp: without a device
void ask_about_entry(ContractStage& stage);
void ask_about_loading(ContractStage& stage);
void ask_about_table(ContractStage& stage);
void ask_about_values(ContractStage& stage);
void ask_about_extensions(ContractStage& stage);
void ask_about_unknown_ids(ContractStage& stage);
void ask_without_devices(ContractStage& stage);
void ask_about_exports(ContractStage& stage);
// contract_requests.cpp: supports, plan_create and create with what no run passes
void ask_with_null(ContractStage& stage);
void ask_with_short_structs(ContractStage& stage);
void ask_with_zero_tails(ContractStage& stage);
void ask_with_unknown_tails(ContractStage& stage);
void ask_for_unknown_meanings(ContractStage& stage);
void ask_for_odd_problems(ContractStage& stage);
void ask_for_huge_problems(ContractStage& stage);
void ask_for_wrong_options(ContractStage& stage);
// contract_answers.cpp: what a refused call leaves behind
void ask_about_failed_answers(ContractStage& stage);
void ask_about_error_buffers(ContractStage& stage);
// contract_execute.cpp: execute, right and wrong
void ask_for_one_pass(ContractStage& stage);
void ask_with_wrong_bindings(ContractStage& stage);
void ask_with_wrong_workspace(ContractStage& stage);
void ask_after_errors(ContractStage& stage);
void ask_with_byte_offset(ContractStage& stage);
void ask_from_another_thread(ContractStage& stage);
void ask_two_instances(ContractStage& stage);
void ask_twice(ContractStage& stage);
// contract_life.cpp: plans and instances over time
void ask_about_plan_info(ContractStage& stage);
void ask_with_resolved_options(ContractStage& stage);
void ask_to_destroy_null(ContractStage& stage);
void ask_many_times(ContractStage& stage);
void ask_about_manners(ContractStage& stage);
void ask_supports_and_plans(ContractStage& stage);
void ask_for_support(ContractStage& stage);  // of the request's problem, all of its passes

}  // namespace attnbench
