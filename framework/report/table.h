// A plain-text table: cells padded to columns by display width. What does not fit into a narrow
// terminal goes in a stated order, and the reader is told what went: a wrapped table is no table.
#pragma once

#include <string>
#include <vector>

#include "report/terminal_text.h"

namespace attnbench {

enum class Align { left, right };

struct TableColumn {
  std::string title;
  Align align = Align::left;
  int drop_order = 0;  // 0: always shown; else the highest number goes first
  int shrink_to = 0;   // 0: never cut; else the width that its cells may be cut down to
};

struct TableCell {
  std::string text;
  Color color = Color::none;
};

class TextTable {
 public:
  explicit TextTable(std::vector<TableColumn> columns);
  void add_row(std::vector<TableCell> cells);  // as many as there are columns
  size_t rows() const { return rows_.size(); }

  // Header, rule and rows, each line ended by '\n', none ended by spaces.
  std::string text(const TerminalStyle& style) const;
  // The same as a Markdown table, all columns and nothing cut.
  std::string markdown() const;

 private:
  std::vector<TableColumn> columns_;
  std::vector<std::vector<TableCell>> rows_;
};

}  // namespace attnbench
