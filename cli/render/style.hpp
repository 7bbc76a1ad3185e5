// SPDX-License-Identifier: Apache-2.0
// Painter: colours for a terminal, nothing for a pipe. clean(): text of others made safe to print.
// Thread: main.
#pragma once
#include <string>
#include <string_view>

namespace sluice::cli {

enum class Style { kPlain, kBold, kDim, kGood, kWarn, kBad };

class Painter {
 public:
  explicit Painter(bool colours) : colours_(colours) {}
  // Colours only when standard output is a terminal and NO_COLOR is not set (any value but empty
  // counts).
  [[nodiscard]] static Painter for_stdout();
  [[nodiscard]] std::string paint(Style style, std::string_view text) const;

 private:
  bool colours_;
};

// Names, header values and messages come from files and clients: control bytes would be commands to
// the terminal.
[[nodiscard]] std::string clean(std::string_view text);

// Columns on a terminal: UTF-8 continuation bytes do not count.
[[nodiscard]] std::size_t width_of(std::string_view text);

}  // namespace sluice::cli
