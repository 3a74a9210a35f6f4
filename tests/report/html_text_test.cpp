#include "report/html_text.h"

#include "report/figures.h"
#include "support/catch.h"

namespace attnbench {

TEST_CASE("a text stays a text in HTML, also in an attribute", "[report]") {
  CHECK(html_escaped("<script>\"&'\n") == "&lt;script&gt;&quot;&amp;&#39; ");
  CHECK(html_escaped(kHostile).find_first_of("<>\"'\n") == std::string::npos);
}

TEST_CASE("a file name as an address leads to this file and nowhere else", "[report]") {
  CHECK(url_of_file("a=1-b.png") == "./a=1-b.png");
  CHECK(url_of_file("javascript:x") == "./javascript%3Ax");
  CHECK(url_of_file("50% #1?\"é") == "./50%25%20%231%3F%22%C3%A9");
}

TEST_CASE("a text stays in its cell of a Markdown table", "[report]") {
  CHECK(markdown_escaped("a|b\\c`d`*e*[f](g)<h>&") ==
        "a\\|b\\\\c\\`d\\`\\*e\\*\\[f\\](g)&lt;h>&amp;");
  CHECK(markdown_escaped("two\nlines") == "two lines");
}

}  // namespace attnbench
