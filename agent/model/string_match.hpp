// SPDX-License-Identifier: Apache-2.0
// StringMatch: a condition on one text (Istio StringMatch). Plain values. Thread: any.
#pragma once
#include <cstdint>
#include <string>

namespace sluice::model {

struct StringMatch {
  // kRegex: RE2, the whole string; kPresent: any value; kSegments: a prefix of whole path segments, without a slash
  // at its end (Gateway API PathPrefix): "/a" matches "/a" and "/a/b", not "/ab".
  enum class Kind : std::uint8_t { kExact, kPrefix, kRegex, kPresent, kSegments };
  Kind kind = Kind::kExact;
  std::string value;

  bool operator==(const StringMatch&) const = default;
};

struct NamedMatch {
  std::string name;  // header (lower case) or query parameter (case-sensitive)
  StringMatch match;

  bool operator==(const NamedMatch&) const = default;
};

}  // namespace sluice::model
