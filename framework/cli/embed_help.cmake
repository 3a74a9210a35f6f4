# cmake -D OUTPUT=help_pages.cpp -D PAGES="a.md;b.md" -P embed_help.cmake: Markdown to a C++ table.
set(rows "")
foreach(page IN LISTS PAGES)
  get_filename_component(topic ${page} NAME_WE)
  file(READ ${page} text)
  string(APPEND rows "    {\"${topic}\", R\"help(${text})help\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Generated from framework/cli/help/*.md by embed_help.cmake.
#include \"cli/help_pages.h\"

namespace attnbench {
namespace {

constexpr HelpPage kPages[] = {
${rows}};

}  // namespace

std::span<const HelpPage> help_pages() { return kPages; }

}  // namespace attnbench
")
