#include "sweep/name_template.h"

#include <fmt/format.h>

#include "base/error.h"

namespace attnbench {

constexpr size_t kLongestName = 200;  // file systems end at 255 bytes; ".csv" and more come behind

std::vector<TemplatePart> parse_template(const std::string& text) {
  std::vector<TemplatePart> parts;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t brace = text.find_first_of("{}", begin);
    if (brace != begin) parts.push_back({text.substr(begin, brace - begin), false});
    if (brace == std::string::npos) break;
    const size_t end = text.find_first_of("{}", brace + 1);
    if (text[brace] == '}' || end == std::string::npos || text[end] == '{' || end == brace + 1) {
      throw Error(fmt::format("\"{}\" has a brace without a partner or without a name", text),
                  "write {axis} for an axis's value");
    }
    parts.push_back({text.substr(brace + 1, end - brace - 1), true});
    begin = end + 1;
  }
  return parts;
}

void check_file_name(const std::string& name) {
  const auto reject = [&name](const char* why) {
    throw Error(fmt::format("a plot would be called \"{}\", which {}", name, why),
                "plot names become file names: change plot.name or the axis's labels");
  };
  if (name.empty()) reject("is empty");
  if (name.size() > kLongestName) reject("is longer than 200 bytes");
  if (name.front() == '.') reject("begins with a dot");
  if (name.find_first_of("/\\") != std::string::npos) reject("contains a slash");
  if (name.find("..") != std::string::npos) reject("contains \"..\"");
  for (const char letter : name) {
    const unsigned char byte = static_cast<unsigned char>(letter);
    if (byte < 0x20 || byte == 0x7f) reject("contains a control character");
  }
}

}  // namespace attnbench
