// SPDX-License-Identifier: Apache-2.0
#include "tests/support/flags.hpp"

#include <cstdio>
#include <cstdlib>

namespace sluice::support {

void Flags::add(std::string name, std::string value, std::string help, Setter set) {
  flags_.push_back({std::move(name), std::move(value), std::move(help), std::move(set)});
}

void Flags::add_switch(std::string name, std::string help, bool& target) {
  add(std::move(name), "", std::move(help), [&target](std::string_view) { return target = true; });
}

void Flags::add_text(std::string name, std::string value, std::string help, std::string& target) {
  add(std::move(name), std::move(value), std::move(help), [&target](std::string_view text) {
    target = text;
    return true;
  });
}

const Flags::Flag* Flags::find(std::string_view name) const {
  for (const Flag& flag : flags_) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

void Flags::print_help() const {
  std::printf("%s: %s\n\n", program_.c_str(), purpose_.c_str());
  for (const Flag& flag : flags_) {
    const std::string left = flag.name + (flag.value.empty() ? "" : " " + flag.value);
    std::printf("  %-32s %s\n", left.c_str(), flag.help.c_str());
  }
}

void Flags::parse(int argc, char** argv) const {
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (name == "--help" || name == "-h") {
      print_help();
      std::exit(0);
    }
    std::string_view value;
    bool has_value = false;
    if (const auto equals = name.find('='); equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
      has_value = true;
    }
    const Flag* flag = find(name);
    if (flag == nullptr) {
      std::fprintf(stderr, "%s: unknown option %s (see --help)\n", program_.c_str(), argv[i]);
      std::exit(2);
    }
    if (!flag->value.empty() && !has_value) {
      if (i + 1 == argc) {
        std::fprintf(stderr, "%s: %s needs a value (%s)\n", program_.c_str(), flag->name.c_str(),
                     flag->value.c_str());
        std::exit(2);
      }
      value = argv[++i];
    }
    if (!flag->set(value)) {
      std::fprintf(stderr, "%s: %s: \"%.*s\" is not a valid %s\n", program_.c_str(),
                   flag->name.c_str(), static_cast<int>(value.size()), value.data(),
                   flag->value.c_str());
      std::exit(2);
    }
  }
}

}  // namespace sluice::support
