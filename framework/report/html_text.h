// Text inside HTML and Markdown, where it must stay text: names come from sweeps and providers.
#pragma once

#include <string>
#include <string_view>

namespace attnbench {

// For content and for attributes in double quotes. Control characters become spaces.
std::string html_escaped(std::string_view text);

// A file name as the relative address of an href or src.
std::string url_of_file(std::string_view name);

// For a cell of a Markdown table.
std::string markdown_escaped(std::string_view text);

}  // namespace attnbench
