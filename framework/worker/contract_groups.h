// The groups of contract calls, by what they ask about. Each notes facts on its stage.
#pragma once

#include "worker/contract_stage.h"

namespace attnbench {

// contract_scan.cpp: without a device
void ask_about_entry(ContractStage& stage);
void ask_about_loading(ContractStage& stage);
void ask_about_files(ContractStage& stage);
void ask_about_unloading(ContractStage& stage);
void ask_about_table(ContractStage& stage);
void ask_about_values(ContractStage& stage);
void ask_about_extensions(ContractStage& stage);
void ask_about_unknown_ids(ContractStage& stage);
void ask_without_devices(ContractStage& stage);
void ask_about_exports(ContractStage& stage);
// contract_requests.cpp: supports, plan_create and create with what no run passes
void ask_with_null(ContractStage& stage);
void ask_to_create_unknown(ContractStage& stage);
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
void ask_with_wider_strides(ContractStage& stage);
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

// contract_device.cpp: on a GPU
void ask_about_context_of_probe(ContractStage& stage);
void ask_behind_other_work(ContractStage& stage);
void ask_for_return(ContractStage& stage);
void ask_about_default_stream(ContractStage& stage);
void ask_about_allocation(ContractStage& stage);
void ask_to_capture(ContractStage& stage);
void ask_about_context(ContractStage& stage);
// contract_device_limits.cpp: where a GPU has no more to give
void ask_about_device_memory(ContractStage& stage);
void ask_for_largest_tiles(ContractStage& stage);
void ask_without_device_memory(ContractStage& stage);
// contract_memory.cpp
void ask_without_memory(ContractStage& stage);
// contract_cache.cpp
void ask_to_fill_cache(ContractStage& stage);  // request.cache_dir, for the next
void ask_with_bad_caches(ContractStage& stage);

}  // namespace attnbench
