// SPDX-License-Identifier: Apache-2.0
#include "cli/render/table.hpp"

#include <algorithm>

namespace sluice::cli {

void Table::row(std::vector<Cell> cells) { lines_.push_back({std::move(cells), false}); }

void Table::note(std::string_view text, Style style) {
  if (!text.empty()) lines_.push_back({{Cell(text, style)}, true});
}

// 0 = no cell of that column has text.
std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const Line& line : lines_) {
    if (line.is_note) continue;
    for (std::size_t i = 0; i < std::min(widths.size(), line.cells.size()); ++i) {
      widths[i] = std::max(widths[i], width_of(line.cells[i].text));
    }
  }
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] > 0) widths[i] = std::max(widths[i], width_of(columns_[i].title));
  }
  return widths;
}

std::string Table::format(const Line& line, const std::vector<std::size_t>& widths,
                          const Painter& paint) const {
  if (line.is_note) return "    " + paint.paint(line.cells[0].style, line.cells[0].text);
  std::string out;
  std::size_t pending = 0;  // blanks owed before the next text: never written at the end of a line
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] == 0) continue;
    const bool present = i < line.cells.size();
    const std::size_t width = present ? width_of(line.cells[i].text) : 0;
    const std::size_t fill = widths[i] - std::min(widths[i], width);
    const bool right = columns_[i].align == Align::kRight;
    if (width > 0) {
      out.append(pending + (right ? fill : 0), ' ');
      out += paint.paint(line.cells[i].style, line.cells[i].text);
      pending = 2 + (right ? 0 : fill);
    } else {
      pending += widths[i] + 2;
    }
  }
  return out;
}

std::string Table::text(const Painter& paint, std::size_t indent) const {
  const std::vector<std::size_t> column_widths = widths();
  const std::string margin(indent, ' ');
  Line header;
  for (const Column& column : columns_) header.cells.emplace_back(column.title, Style::kDim);
  std::string out = margin + format(header, column_widths, paint) + "\n";
  for (const Line& line : lines_) out += margin + format(line, column_widths, paint) + "\n";
  return out;
}

std::string heading(std::string_view title, const Painter& paint) {
  return "\n" + paint.paint(Style::kBold, title) + "\n";
}

}  // namespace sluice::cli
