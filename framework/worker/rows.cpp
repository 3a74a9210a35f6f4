#include "worker/rows.h"

#include <fmt/format.h>

#include <iterator>

#include "provider/call_failure.h"

namespace attnbench {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw CallFailure(Outcome::internal_error, "bad-rows-request", message);
}

Role role_of(const CaseTensors& tensors, const std::string& text) {
  const std::optional<Role> role = enum_from_text(kRoles, text);
  if (!role || !tensors.has(*role)) refuse(fmt::format("this case has no tensor \"{}\"", text));
  return *role;
}

int64_t first_element(const TensorLayout& layout, const RowAddress& row) {
  const bool heads_come_first = layout.role == Role::lse || layout.role == Role::bias;
  const int64_t heads = layout.shape[heads_come_first ? 1 : 2];
  const int64_t rows = layout.shape[heads_come_first ? 2 : 1];
  const bool is_inside = row.batch >= 0 && row.batch < layout.shape[0] && row.head >= 0 &&
                         row.head < heads && row.index >= 0 && row.index < rows;
  if (!is_inside) {
    refuse(fmt::format("{} has no row (batch {}, head {}, index {})", row.role, row.batch, row.head,
                       row.index));
  }
  return layout.offset_of(row.batch, row.head, row.index);
}

}  // namespace

std::vector<float> read_rows(Device& device, const CaseTensors& tensors,
                             const std::vector<RowAddress>& rows) {
  std::vector<float> values;
  for (size_t first = 0; first < rows.size();) {
    // Neighbours of one role go together: on a GPU each call is a trip across the bus.
    size_t last = first;
    const Role role = role_of(tensors, rows[first].role);
    const TensorLayout& layout = tensors.layout(role);
    std::vector<int64_t> first_elements;
    for (; last < rows.size() && rows[last].role == rows[first].role; ++last) {
      first_elements.push_back(first_element(layout, rows[last]));
    }
    const std::vector<float> read =
        device.read_rows(tensors.buffer(role), layout.dtype, first_elements, layout.row_length());
    values.insert(values.end(), read.begin(), read.end());
    first = last;
  }
  return values;
}

std::vector<double> sum_rows(Device& device, const CaseTensors& tensors,
                             const std::string& role_text) {
  const Role role = role_of(tensors, role_text);
  if (role != Role::dk && role != Role::dv) {
    refuse(fmt::format("sums are there for dk and dv, not for {}", role_text));
  }
  const TensorLayout& layout = tensors.layout(role);
  std::vector<RowBlock> blocks;
  for (int64_t batch = 0; batch < layout.shape[0]; ++batch) {
    for (int64_t head = 0; head < layout.shape[2]; ++head) {
      blocks.push_back({layout.offset_of(batch, head, 0), layout.shape[1], layout.strides[1],
                        layout.row_length()});
    }
  }
  return device.column_sums(tensors.buffer(role), layout.dtype, blocks);
}

}  // namespace attnbench
