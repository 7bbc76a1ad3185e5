// SPDX-License-Identifier: Apache-2.0
// Table: rows of cells under a header, columns aligned by their widest cell, no trailing blanks. A
// note is a free line below a row (a reason, a hint). Thread: main. Invariants: every cell was
// cleaned.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "cli/render/style.hpp"

namespace sluice::cli {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
};

struct Cell {
  Cell(std::string_view t, Style s = Style::kPlain)
      : text(clean(t)), style(s) {}                          // NOLINT: cells are text
  Cell(const std::string& t) : Cell(std::string_view(t)) {}  // NOLINT
  Cell(const char* t) : Cell(std::string_view(t)) {}         // NOLINT
  std::string text;
  Style style = Style::kPlain;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // Missing cells stay empty.
  void row(std::vector<Cell> cells);
  void note(std::string_view text, Style style = Style::kDim);
  [[nodiscard]] bool empty() const { return lines_.empty(); }
  // Every line begins with `indent` blanks and ends with a line feed. Columns without any text are
  // left out.
  [[nodiscard]] std::string text(const Painter& paint, std::size_t indent) const;

 private:
  struct Line {
    std::vector<Cell> cells;
    bool is_note = false;
  };
  [[nodiscard]] std::vector<std::size_t> widths() const;
  [[nodiscard]] std::string format(const Line& line, const std::vector<std::size_t>& widths,
                                   const Painter& paint) const;

  std::vector<Column> columns_;
  std::vector<Line> lines_;
};

// "TITLE" in bold on a line of its own, with an empty line before it.
[[nodiscard]] std::string heading(std::string_view title, const Painter& paint);

}  // namespace sluice::cli
