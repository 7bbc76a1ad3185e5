// SPDX-License-Identifier: Apache-2.0
// Flags: the command line of the small test programs: `--name value`, `--name=value`, switches,
// `--help`. Callers: main() of echo-server, load-client, impair. Thread: main.
#pragma once
#include <charconv>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::support {

// The whole of `text` as a number, or false.
template <typename T>
[[nodiscard]] bool parse_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// "a,b" or "a" (meaning a,a).
template <typename T>
[[nodiscard]] bool parse_range(std::string_view text, T& low, T& high) {
  const auto comma = text.find(',');
  if (comma == std::string_view::npos) return parse_number(text, low) && parse_number(text, high);
  return parse_number(text.substr(0, comma), low) && parse_number(text.substr(comma + 1), high) &&
         low <= high;
}

class Flags {
 public:
  using Setter = std::function<bool(std::string_view)>;

  Flags(std::string program, std::string purpose)
      : program_(std::move(program)), purpose_(std::move(purpose)) {}

  // `value` names the argument in the help text; empty makes a switch, whose setter gets "".
  void add(std::string name, std::string value, std::string help, Setter set);
  void add_switch(std::string name, std::string help, bool& target);
  void add_text(std::string name, std::string value, std::string help, std::string& target);
  template <typename T>
  void add_number(std::string name, std::string value, std::string help, T& target) {
    add(std::move(name), std::move(value), std::move(help),
        [&target](std::string_view text) { return parse_number(text, target); });
  }
  template <typename T>
  void add_range(std::string name, std::string help, T& low, T& high) {
    add(std::move(name), "A,B", std::move(help),
        [&low, &high](std::string_view text) { return parse_range(text, low, high); });
  }

  // Prints the help (exit code 0) or what is wrong (2) and ends the program, else returns.
  void parse(int argc, char** argv) const;

 private:
  struct Flag {
    std::string name, value, help;
    Setter set;
  };
  void print_help() const;
  [[nodiscard]] const Flag* find(std::string_view name) const;

  std::string program_, purpose_;
  std::vector<Flag> flags_;
};

}  // namespace sluice::support
