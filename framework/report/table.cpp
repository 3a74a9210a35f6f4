#include "report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <numeric>

#include "base/text.h"
#include "report/html_text.h"

namespace attnbench {
namespace {

constexpr int kGap = 2;  // spaces between columns

int total_width(const std::vector<int>& widths, const std::vector<size_t>& shown) {
  int total = shown.empty() ? 0 : kGap * static_cast<int>(shown.size() - 1);
  for (const size_t column : shown) total += widths[column];
  return total;
}

std::string padded(const TableCell& cell, int width, Align align, const TerminalStyle& style) {
  const std::string text = cut_to_width(cell.text, width);
  const std::string spaces(static_cast<size_t>(width - display_width(text)), ' ');
  const std::string shown = colored(text, cell.color, style);
  return align == Align::left ? shown + spaces : spaces + shown;
}

}  // namespace

TextTable::TextTable(std::vector<TableColumn> columns) : columns_(std::move(columns)) {}

void TextTable::add_row(std::vector<TableCell> cells) {
  assert(cells.size() == columns_.size());
  for (TableCell& cell : cells) cell.text = printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::string TextTable::text(const TerminalStyle& style) const {
  std::vector<int> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    int width = display_width(columns_[c].title);
    for (const std::vector<TableCell>& row : rows_)
      width = std::max(width, display_width(row[c].text));
    widths.push_back(width);
  }
  std::vector<size_t> shown(columns_.size());
  std::iota(shown.begin(), shown.end(), size_t{0});
  std::vector<int> least = widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    const int floor = std::max(columns_[c].shrink_to, display_width(columns_[c].title));
    if (columns_[c].shrink_to > 0) least[c] = std::min(widths[c], floor);
  }
  const auto overflow = [&](const std::vector<int>& of) {
    return style.width == 0 ? 0 : total_width(of, shown) - style.width;
  };

  std::vector<std::string> hidden;
  while (overflow(least) > 0) {
    const auto by_drop_order = [this](size_t a, size_t b) {
      return columns_[a].drop_order < columns_[b].drop_order;
    };
    const auto next = std::max_element(shown.begin(), shown.end(), by_drop_order);
    if (next == shown.end() || columns_[*next].drop_order == 0) break;
    hidden.push_back(columns_[*next].title);
    shown.erase(next);
  }
  for (const size_t c : shown) {
    widths[c] = std::max(least[c], widths[c] - std::max(0, overflow(widths)));
  }

  std::string result;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    for (const size_t c : shown) {
      if (c != shown.front()) line += std::string(kGap, ' ');
      line += padded(cell_of(c), widths[c], columns_[c].align, style);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += line + "\n";
  };
  add_line([this](size_t c) { return TableCell{columns_[c].title, Color::bold}; });
  add_line([&](size_t c) { return TableCell{std::string(static_cast<size_t>(widths[c]), '-')}; });
  for (const std::vector<TableCell>& row : rows_) {
    add_line([&row](size_t c) { return row[c]; });
  }
  if (!hidden.empty()) {
    result += fmt::format("(too narrow for: {})\n", join(hidden, ", "));
  }
  return result;
}

std::string TextTable::markdown() const {
  std::string titles = "|", rules = "|";
  for (const TableColumn& column : columns_) {
    titles += " " + markdown_escaped(column.title) + " |";
    rules += column.align == Align::left ? " --- |" : " ---: |";
  }
  std::string result = titles + "\n" + rules + "\n";
  for (const std::vector<TableCell>& row : rows_) {
    result += "|";
    for (const TableCell& cell : row) result += " " + markdown_escaped(cell.text) + " |";
    result += "\n";
  }
  return result;
}

}  // namespace attnbench
