#include "report/table.h"

#include "base/text.h"
#include "support/catch.h"

namespace attnbench {
namespace {

TextTable small_table() {
  TextTable table({{"provider", Align::left, 0, 0},
                   {"ms", Align::right, 0, 0},
                   {"error", Align::right, 2, 0},
                   {"note", Align::left, 1, 0}});
  table.add_row({{"référence"}, {"1.25"}, {"1e-4"}, {"中"}});
  table.add_row({{"b"}, {"10.50"}, {"-"}, {"x"}});
  return table;
}

}  // namespace

TEST_CASE("columns stand under each other whatever their characters", "[report]") {
  CHECK(small_table().text({}) ==
        "provider      ms  error  note\n"
        "---------  -----  -----  ----\n"
        "référence   1.25   1e-4  中\n"
        "b          10.50      -  x\n");
}

TEST_CASE("a narrow terminal loses columns in the stated order and is told", "[report]") {
  CHECK(small_table().text({24, false}) ==
        "provider      ms  note\n"
        "---------  -----  ----\n"
        "référence   1.25  中\n"
        "b          10.50  x\n"
        "(too narrow for: error)\n");
  CHECK(split(small_table().text({5, false}), '\n').front() == "provider      ms");
}

TEST_CASE("a column that may shrink is cut before any is dropped", "[report]") {
  TextTable table({{"id", Align::left, 0, 4}, {"value", Align::right, 1, 0}});
  table.add_row({{"a_long_provider"}, {"1"}});
  CHECK(table.text({12, false}) ==
        "id     value\n"
        "-----  -----\n"
        "a_lo…      1\n");
}

TEST_CASE("an escape sequence in a cell is shown, not obeyed", "[report]") {
  TextTable table({{"id", Align::left, 0, 0}});
  table.add_row({{"\x1b[31mred"}});
  CHECK(table.text({}).find('\x1b') == std::string::npos);
}

}  // namespace attnbench
