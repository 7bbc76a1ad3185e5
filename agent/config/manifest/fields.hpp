// SPDX-License-Identifier: Apache-2.0
// Fields: a typed view of one map of a manifest. Each accessor checks the type, names the field's
// path and place in the report, and remembers that the field is known; finish() reports what nobody
// asked for. Used by every translator. Thread: main. Invariants: an accessor returns nothing when
// the field is absent, null or of the wrong type; only the last is reported.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/manifest/node.hpp"
#include "agent/config/manifest/report.hpp"

namespace sluice::config {

// A value with its place and path, so that later checks can name it.
struct Located {
  const Node* node = nullptr;
  Mark key;  // of its key (of the item itself in a list)
  std::string path;
};

struct Text {
  std::string value;
  Mark mark;
  std::string path;
};

class Fields {
 public:
  // A node that is no map is reported and reads as an empty one. Node and report outlive the view.
  Fields(const Node& node, std::string path, Report& report);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Mark mark() const { return node_.mark; }
  [[nodiscard]] Report& report() const { return report_; }

  // Present and not null.
  [[nodiscard]] std::optional<Located> get(std::string_view name);
  [[nodiscard]] std::optional<Located> map(std::string_view name);
  [[nodiscard]] std::vector<Located> list(std::string_view name);  // its items
  [[nodiscard]] std::optional<Text> text(std::string_view name);
  [[nodiscard]] std::vector<Text> texts(std::string_view name);
  [[nodiscard]] std::map<std::string, std::string> labels(std::string_view name);
  [[nodiscard]] std::optional<bool> boolean(std::string_view name);
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name, std::int64_t low,
                                                    std::int64_t high);
  [[nodiscard]] std::optional<std::uint16_t> port(std::string_view name);
  [[nodiscard]] Text required_text(std::string_view name);
  void missing(std::string_view name, std::string hint);

  // Fields that the API knows and that need no word: they cannot change what this version does.
  void silent(std::span<const std::string_view> names);
  // Reports each field present of `known_unbuilt` as unsupported, and any other that nobody asked
  // for as an error.
  void finish(std::span<const std::string_view> known_unbuilt = {});

 private:
  [[nodiscard]] std::string child(std::string_view name) const;
  [[nodiscard]] std::optional<Text> as_text(const Located& value);

  const Node& node_;
  std::string path_;
  Report& report_;
  std::vector<std::string_view> asked_;
};

}  // namespace sluice::config
