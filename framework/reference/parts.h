// The three parts that compute_reference puts together, each in a .cpp of its name.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reference/attention.h"
#include "reference/setup.h"

namespace attnbench {

RoleRows make_rows(Role role, int64_t row_length, size_t rows);

// Notes one element, exact and as the plain implementation has it.
void record_element(size_t position, double value, double noise, float plain, RoleRows& rows);

// O and LSE, with a backward pass dQ, of the chosen query rows.
std::vector<RoleRows> compute_query_rows(const Setup& setup, std::span<const RowIndex> selection,
                                         const Threads& threads);

// dK and dV of the chosen rows, all of one (batch, kv_head).
std::vector<RoleRows> compute_key_rows(const Setup& setup, std::span<const RowIndex> selection,
                                       const Threads& threads);

// The identities' right sides for every (batch, kv_head).
std::vector<HeadSums> compute_head_sums(const Setup& setup, const Threads& threads);

}  // namespace attnbench
