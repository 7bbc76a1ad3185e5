// SPDX-License-Identifier: Apache-2.0
// Node: one value of a YAML document, with the place it was written at. Made by manifest/yaml, read
// by manifest/reader. Thread: any. Invariants: nesting is at most kMaxDepth; map keys are unique
// and keep their order; aliases and merge keys are already expanded.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

struct Mark {
  int line = 0;    // 1-based; 0 = unknown
  int column = 0;  // 1-based
};

struct Member;

struct Node {
  enum class Kind : std::uint8_t { kNull, kScalar, kMap, kList };
  // What a plain scalar means (YAML 1.2 core schema plus the yes/no/on/off booleans that
  // Kubernetes' decoder knows).
  enum class Type : std::uint8_t { kNull, kBool, kInteger, kFloat, kString };

  Kind kind = Kind::kNull;
  bool quoted = false;  // quoted, block or !!str: a string whatever it looks like
  Mark mark;
  std::string scalar;
  std::vector<Member> members;  // kMap
  std::vector<Node> items;      // kList

  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
  [[nodiscard]] bool is_map() const { return kind == Kind::kMap; }
  [[nodiscard]] bool is_list() const { return kind == Kind::kList; }
  [[nodiscard]] Type type() const;  // of a scalar
  [[nodiscard]] const Member* find(std::string_view key) const;
  // "a map", "a list", "a number", "a string", "true or false", "nothing"
  [[nodiscard]] const char* describe() const;
};

struct Member {
  std::string key;
  Mark mark;  // of the key
  Node value;
};

}  // namespace sluice::config
