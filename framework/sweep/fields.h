// The problem's fields as a sweep sets them: by name, from a written value. All that is not a field
// is taken for a provider's option.
//
// Functions here throw Error without a place; their callers know it and say so (at() below).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sweep/document.h"
#include "sweep/sweep.h"

namespace attnbench {

// "seqlen" stands for seqlen_q and seqlen_kv at once and is a name like the others here.
const std::vector<std::string>& problem_fields();
bool is_problem_field(std::string_view name);
// The fields that setting `name` decides: two for "seqlen", else itself.
std::vector<std::string> fields_set_by(const std::string& name);

// The value as it is kept, with the label that plot names get by default. Throws Error if the field
// cannot have it. Booleans are labelled True and False, as the seed's file names spell them.
Cell cell_of(const std::string& name, const Scalar& written);

// Values as the command line writes them: "64,128", "128:8192:*2", "true", "fp16".
std::vector<Cell> cells_of_text(const std::string& name, std::string_view text);

void set_field(Problem& problem, const std::string& name, const OptionValue& value);

// Runs `work`; an Error without a place becomes a SweepError at `where`.
template <typename Work>
auto at(const Place& where, Work&& work) {
  try {
    return work();
  } catch (const SweepError&) {
    throw;
  } catch (const Error& error) {
    const bool has_hint = !error.hint().empty();
    throw SweepError(where, error.what(),
                     has_hint ? error.hint() : "sweeps/README.md says what each key may be");
  }
}

}  // namespace attnbench
