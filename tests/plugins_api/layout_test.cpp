// The layout of the contract is frozen: what abi_1.golden says stays true for all of major 1. New
// lines may be appended (APPROVE=1 renews the file); a changed or missing line is a broken promise.
#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "attnbench/provider.h"
#include "support/catch.h"

namespace attnbench {
namespace {

struct Field {
  const char* of;
  const char* name;
  std::size_t offset, bytes, bytes_of_struct;
};
#define FIELD(T, name) \
  { #T, #name, offsetof(T, name), sizeof(T::name), sizeof(T) }

// Every struct with every field, in order. The test for padding finds a forgotten one.
const std::vector<Field> kFields = {
    FIELD(attn_error, struct_size),
    FIELD(attn_error, status),
    FIELD(attn_error, native_domain),
    FIELD(attn_error, native_code),
    FIELD(attn_error, message),
    FIELD(attn_error, message_capacity),
    FIELD(attn_error, message_length),
    FIELD(attn_option, struct_size),
    FIELD(attn_option, type),
    FIELD(attn_option, name),
    FIELD(attn_option, int_value),
    FIELD(attn_option, float_value),
    FIELD(attn_option, string_value),
    FIELD(attn_option_desc, struct_size),
    FIELD(attn_option_desc, type),
    FIELD(attn_option_desc, name),
    FIELD(attn_option_desc, doc),
    FIELD(attn_option_desc, flags),
    FIELD(attn_option_desc, num_choices),
    FIELD(attn_option_desc, int_choices),
    FIELD(attn_option_desc, string_choices),
    FIELD(attn_option_desc, int_min),
    FIELD(attn_option_desc, int_max),
    FIELD(attn_option_desc, int_default),
    FIELD(attn_option_desc, float_min),
    FIELD(attn_option_desc, float_max),
    FIELD(attn_option_desc, float_default),
    FIELD(attn_option_desc, string_default),
    FIELD(attn_device_id, type),
    FIELD(attn_device_id, id),
    FIELD(attn_dtype, code),
    FIELD(attn_dtype, bits),
    FIELD(attn_dtype, lanes),
    FIELD(attn_tensor, data),
    FIELD(attn_tensor, device),
    FIELD(attn_tensor, ndim),
    FIELD(attn_tensor, dtype),
    FIELD(attn_tensor, shape),
    FIELD(attn_tensor, strides),
    FIELD(attn_tensor, byte_offset),
    FIELD(attn_tensor_spec, struct_size),
    FIELD(attn_tensor_spec, role),
    FIELD(attn_tensor_spec, dtype),
    FIELD(attn_tensor_spec, ndim),
    FIELD(attn_tensor_spec, shape),
    FIELD(attn_tensor_spec, strides),
    FIELD(attn_tensor_spec, alignment),
    FIELD(attn_tensor_spec, access),
    FIELD(attn_binding, struct_size),
    FIELD(attn_binding, role),
    FIELD(attn_binding, tensor),
    FIELD(attn_problem, struct_size),
    FIELD(attn_problem, op),
    FIELD(attn_problem, mask),
    FIELD(attn_problem, reserved),
    FIELD(attn_problem, features),
    FIELD(attn_problem, batch),
    FIELD(attn_problem, heads_q),
    FIELD(attn_problem, heads_kv),
    FIELD(attn_problem, seqlen_q),
    FIELD(attn_problem, seqlen_kv),
    FIELD(attn_problem, head_dim_qk),
    FIELD(attn_problem, head_dim_v),
    FIELD(attn_problem, scale),
    FIELD(attn_problem, softcap),
    FIELD(attn_problem, window_left),
    FIELD(attn_problem, window_right),
    FIELD(attn_device, struct_size),
    FIELD(attn_device, reserved),
    FIELD(attn_device, id),
    FIELD(attn_device, cc_major),
    FIELD(attn_device, cc_minor),
    FIELD(attn_device, total_memory_bytes),
    FIELD(attn_device, shared_memory_bytes),
    FIELD(attn_device, name),
    FIELD(attn_device, uuid),
    FIELD(attn_host, struct_size),
    FIELD(attn_host, abi_minor),
    FIELD(attn_host, ctx),
    FIELD(attn_host, name),
    FIELD(attn_host, version),
    FIELD(attn_host, log),
    FIELD(attn_host, config),
    FIELD(attn_host, get_extension),
    FIELD(attn_provider_desc, struct_size),
    FIELD(attn_provider_desc, num_device_types),
    FIELD(attn_provider_desc, num_dtypes),
    FIELD(attn_provider_desc, num_options),
    FIELD(attn_provider_desc, id),
    FIELD(attn_provider_desc, name),
    FIELD(attn_provider_desc, vendor),
    FIELD(attn_provider_desc, version),
    FIELD(attn_provider_desc, license),
    FIELD(attn_provider_desc, description),
    FIELD(attn_provider_desc, features),
    FIELD(attn_provider_desc, device_types),
    FIELD(attn_provider_desc, dtypes),
    FIELD(attn_provider_desc, options),
    FIELD(attn_kernel_info, struct_size),
    FIELD(attn_kernel_info, flags),
    FIELD(attn_kernel_info, name),
    FIELD(attn_kernel_info, regs_per_thread),
    FIELD(attn_kernel_info, spill_bytes),
    FIELD(attn_kernel_info, smem_bytes),
    FIELD(attn_kernel_info, grid),
    FIELD(attn_kernel_info, block),
    FIELD(attn_kernel_info, cluster),
    FIELD(attn_plan_info, struct_size),
    FIELD(attn_plan_info, flags),
    FIELD(attn_plan_info, num_options),
    FIELD(attn_plan_info, num_kernels),
    FIELD(attn_plan_info, workspace_bytes),
    FIELD(attn_plan_info, workspace_alignment),
    FIELD(attn_plan_info, options),
    FIELD(attn_plan_info, kernels),
    FIELD(attn_create_args, struct_size),
    FIELD(attn_create_args, reserved),
    FIELD(attn_create_args, host),
    FIELD(attn_create_args, provider_id),
    FIELD(attn_create_args, device),
    FIELD(attn_plan_args, struct_size),
    FIELD(attn_plan_args, num_specs),
    FIELD(attn_plan_args, num_options),
    FIELD(attn_plan_args, reserved),
    FIELD(attn_plan_args, problem),
    FIELD(attn_plan_args, specs),
    FIELD(attn_plan_args, options),
    FIELD(attn_execute_args, struct_size),
    FIELD(attn_execute_args, num_bindings),
    FIELD(attn_execute_args, bindings),
    FIELD(attn_execute_args, workspace),
    FIELD(attn_execute_args, workspace_bytes),
    FIELD(attn_execute_args, stream),
    FIELD(attn_provider_api, struct_size),
    FIELD(attn_provider_api, abi_major),
    FIELD(attn_provider_api, abi_minor),
    FIELD(attn_provider_api, num_providers),
    FIELD(attn_provider_api, providers),
    FIELD(attn_provider_api, get_extension),
    FIELD(attn_provider_api, probe),
    FIELD(attn_provider_api, create),
    FIELD(attn_provider_api, destroy),
    FIELD(attn_provider_api, supports),
    FIELD(attn_provider_api, plan_create),
    FIELD(attn_provider_api, plan_info),
    FIELD(attn_provider_api, execute),
    FIELD(attn_provider_api, plan_destroy),
};

std::string read(const std::string& path) {
  std::ifstream file(std::string(ATTNBENCH_SOURCE_DIR "/") + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Numbers keep their meaning too: "ATTN_OK = 0", "ATTN_FEATURE_GQA = 1 << 2", as the header's text
// says. ATTN_ABI_MINOR is no promise: it grows.
std::vector<std::string> number_lines() {
  const std::string header = read("plugins_api/include/attnbench/provider.h");
  const std::regex number(
      R"((ATTN_[A-Z0-9_]+) = (\d+)[,\s}]|#define (ATTN_FEATURE_\w+) \(UINT64_C\(1\) << (\d+)\))");
  std::vector<std::string> lines;
  for (std::sregex_iterator it(header.begin(), header.end(), number), end; it != end; ++it) {
    const std::smatch& m = *it;
    lines.push_back(m[1].matched ? m[1].str() + " = " + m[2].str()
                                 : m[3].str() + " = 1 << " + m[4].str());
  }
  return lines;
}

std::vector<std::string> current_lines() {
  std::vector<std::string> lines;
  for (const Field& field : kFields) {
    lines.push_back(std::string(field.of) + "." + field.name + " offset " +
                    std::to_string(field.offset) + " bytes " + std::to_string(field.bytes));
  }
  for (const std::string& line : number_lines()) lines.push_back(line);
  return lines;
}

TEST_CASE("fields and numbers of the contract stay where the first release put them", "[abi]") {
  const std::string golden = "tests/plugins_api/abi_1.golden";
  const std::vector<std::string> current = current_lines();
  const char* approve = std::getenv("APPROVE");
  if (approve && std::string(approve) == "1") {
    std::ofstream out(ATTNBENCH_SOURCE_DIR "/" + golden);
    for (const std::string& line : current) out << line << '\n';
  }
  const std::set<std::string> known(current.begin(), current.end());
  std::istringstream frozen(read(golden));
  std::size_t num_frozen = 0;
  for (std::string line; std::getline(frozen, line); ++num_frozen) {
    INFO("no longer true: " << line);
    CHECK(known.count(line) == 1);
  }
  INFO("new fields or numbers are not in " << golden << " yet; APPROVE=1 adds them");
  CHECK(num_frozen == current.size());
}

TEST_CASE("no struct of the contract has padding, and no field is forgotten here", "[abi]") {
  std::size_t expected_offset = 0;
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    const Field& field = kFields[i];
    INFO(field.of << "." << field.name);
    CHECK(field.offset == expected_offset);
    expected_offset += field.bytes;
    bool is_last = i + 1 == kFields.size() || std::string(kFields[i + 1].of) != field.of;
    if (!is_last) continue;
    CHECK(expected_offset == field.bytes_of_struct);
    expected_offset = 0;
  }
}

TEST_CASE("every struct of the header is in the table above", "[abi]") {
  std::set<std::string> listed;
  for (const Field& field : kFields) listed.insert(field.of);
  const std::string header = read("plugins_api/include/attnbench/provider.h");
  const std::regex declared(R"(typedef struct (attn_\w+) \{)");
  std::set<std::string> found;
  for (std::sregex_iterator it(header.begin(), header.end(), declared), end; it != end; ++it) {
    found.insert((*it)[1].str());
  }
  CHECK(found == listed);
}

}  // namespace
}  // namespace attnbench
