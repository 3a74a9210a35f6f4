#include "report/page.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "report/html_text.h"
#include "report/packed.h"

// Made by cmake/embed_text.cmake; see CMakeLists.txt.
extern "C" const char attnbench_page_html[];
extern "C" const char attnbench_page_css[];
extern "C" const char attnbench_page_js[];
extern "C" const char attnbench_page_d3[];

namespace attnbench {
namespace {

// As a Content-Security-Policy names a script or style: the hash of the text between its tags.
std::string csp_hash(std::string_view text) {
  const std::string hex = sha256_of_text(text);
  std::string digest;
  for (size_t i = 0; i < hex.size(); i += 2) {
    digest += static_cast<char>(std::strtol(hex.substr(i, 2).c_str(), nullptr, 16));
  }
  return "'sha256-" + base64(digest) + "'";
}

}  // namespace

std::string page_html(std::string_view title, const PageData& data) {
  const std::string_view css = attnbench_page_css, js = attnbench_page_js, d3 = attnbench_page_d3;
  const std::vector<std::pair<std::string_view, std::string>> parts = {
      {"@POLICY@", fmt::format("default-src 'none'; base-uri 'none'; form-action 'none'; "
                               "script-src {} {}; style-src {}",
                               csp_hash(d3), csp_hash(js), csp_hash(css))},
      {"@TITLE@", html_escaped(title)},
      {"@CSS@", std::string(css)},
      {"@OVERVIEW@", packed(data.overview)},
      {"@DETAILS@", packed(data.details)},
      {"@SAMPLES@", packed(data.samples)},
      {"@D3@", std::string(d3)},
      {"@JS@", std::string(js)}};
  // From front to back, so that no mark is looked for in what a name brought in.
  std::string page;
  std::string_view rest = attnbench_page_html;
  for (const auto& [mark, text] : parts) {
    const size_t at = rest.find(mark);
    if (at == std::string_view::npos) throw Error(fmt::format("page.html lacks {}", mark));
    page.append(rest.substr(0, at)).append(text);
    rest.remove_prefix(at + mark.size());
  }
  return page.append(rest);
}

}  // namespace attnbench
