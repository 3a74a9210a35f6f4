// What `attnbench validate` prints: per provider the counts and what did not pass, or the support
// matrix; and the same as JSON.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "report/terminal_text.h"
#include "validate/support_matrix.h"
#include "validate/validate.h"

namespace attnbench {

// `is_verbose`: what passed and why something was skipped, too.
std::string validation_text(const Validation& validation, bool is_verbose,
                            const TerminalStyle& style);
Json to_json(const Validation& validation);

// A row for each kind of problem, a column for each provider; then why not, provider by provider.
std::string matrix_text(const std::vector<SupportRow>& rows, const TerminalStyle& style);
Json to_json(const SupportRow& row);

}  // namespace attnbench
