// "bias={bias}-mode={mode}": how plots get their file names. A field in braces is an axis.
#pragma once

#include <string>
#include <vector>

namespace attnbench {

struct TemplatePart {
  std::string text;  // literal text, or the name of a field
  bool is_field = false;
};

// Throws Error on a brace that is not closed or an empty field.
std::vector<TemplatePart> parse_template(const std::string& text);

// Throws Error if `name` cannot be the name of a file on every system, or leads out of its folder.
void check_file_name(const std::string& name);

}  // namespace attnbench
