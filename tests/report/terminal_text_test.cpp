#include "report/terminal_text.h"

#include "support/catch.h"

namespace attnbench {

TEST_CASE("display width counts columns, not bytes", "[report]") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("±0.4") == 4);
  CHECK(display_width("中文") == 4);
  CHECK(display_width("e\u0301") == 1);
  CHECK(display_width("") == 0);
}

TEST_CASE("a text is cut at a column, never inside a character", "[report]") {
  CHECK(cut_to_width("block_ptr", 9) == "block_ptr");
  CHECK(cut_to_width("block_ptr", 6) == "block…");
  CHECK(cut_to_width("中文字", 4) == "中…");
  CHECK(display_width(cut_to_width("中文字", 4)) <= 4);
  CHECK(cut_to_width("abc", 0).empty());
}

TEST_CASE("hostile text cannot move the cursor or turn the line round", "[report]") {
  CHECK(printable("a\x1b[2Jb") == "a [2Jb");
  CHECK(printable("a\nb\rc\x7f") == "a b c ");
  CHECK(printable("\u009b[31m") == " [31m");
  CHECK(printable("a\u202eb") == "a?b");
  CHECK(printable("\xff\xc3") == "??");
  CHECK(printable("\xc0\xaf") == "??");
  CHECK(printable("\xed\xa0\x80") == "???");
  CHECK(printable("±中") == "±中");
}

TEST_CASE("colours appear only where they are wanted", "[report]") {
  CHECK(colored("x", Color::red, {0, false}) == "x");
  CHECK(colored("x", Color::red, {0, true}) == "\x1b[31mx\x1b[0m");
}

}  // namespace attnbench
