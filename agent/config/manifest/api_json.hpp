// SPDX-License-Identifier: Apache-2.0
// ApiJson: what the API server sends, taken apart into single objects: the pages of a list and the lines of a watch
// (Kubernetes API concepts: "Efficient detection of changes", "Retrieving large results sets in chunks").
// Called by source/kube. Thread: any. Invariants: never throws; an object's text is JSON with apiVersion and kind, and
// without what the agent never reads: managedFields, all of a Pod but where it is, how it is and what it calls its
// ports, all of a Node but its labels.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"

namespace sluice::config {

struct ApiObject {
  std::string name_space;  // empty: none
  std::string name;
  std::string resource_version;
  std::string text;
};

struct ApiPage {
  std::string resource_version;  // of the list: where a watch goes on
  std::string next;  // what `continue` has to say for the next page; empty: it was the last
  std::vector<ApiObject> objects;
};

struct ApiEvent {
  enum class Type : std::uint8_t { kChanged, kDeleted, kBookmark, kError };
  Type type = Type::kChanged;
  ApiObject object;
  int code = 0;         // of an error: as an HTTP status
  std::string message;  // of an error
};

// `api_version` and `kind` of the items, which lists leave out.
[[nodiscard]] Result<ApiPage> read_api_page(std::string_view text, std::string_view api_version,
                                            std::string_view kind);
[[nodiscard]] Result<ApiEvent> read_api_event(std::string_view line, std::string_view api_version,
                                              std::string_view kind);
// The message of a Status object; the text itself, cut, when it is none.
[[nodiscard]] std::string read_api_message(std::string_view text);
}  // namespace sluice::config
