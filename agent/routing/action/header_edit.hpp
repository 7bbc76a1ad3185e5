// SPDX-License-Identifier: Apache-2.0
// HeaderEdit: model::HeaderChanges made ready for one message. Part of Actions, called by the proxy's filters.
// Thread: any (const). Invariants: never touches the fields that frame a message; what it writes is a valid value.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/ip_address.hpp"
#include "agent/http/message.hpp"
#include "agent/model/header_rules.hpp"

namespace sluice::routing {

// What the variables of values stand for. Views and pointers are the caller's and valid for the call.
struct EditContext {
  const http::RequestHead* request = nullptr;
  const http::ResponseHead* response = nullptr;  // null while the request is edited
  SocketAddress client;  // the client, which trusted proxies may have named; port 0 when they did
  SocketAddress local;
  std::string_view protocol;
  std::string_view route_name;
  std::string_view cluster;
  const SocketAddress* upstream = nullptr;  // null before there is one
  std::string_view hostname;
  std::chrono::system_clock::time_point start;
};

class HeaderEdit {
 public:
  HeaderEdit() = default;
  // Names that model::check_header_name() refuses are left out. The Host of requests can only be set.
  explicit HeaderEdit(const model::HeaderChanges& changes);

  [[nodiscard]] bool empty() const {
    return remove_.empty() && set_.empty() && add_.empty() && !sets_authority_;
  }
  // A value whose variables stand for nothing is not written, and sets nothing.
  void apply(http::RequestHead& head, const EditContext& context, std::string& scratch) const;
  void apply(http::ResponseHead& head, const EditContext& context, std::string& scratch) const;

 private:
  void apply(http::HeaderMap& headers, const EditContext& context, std::string& scratch) const;

  std::vector<std::string> remove_;
  std::vector<model::HeaderValue> set_;
  std::vector<model::HeaderValue> add_;
  std::vector<model::ValuePiece> authority_;
  bool sets_authority_ = false;
};

// Appends what the pieces stand for.
void append_value(const std::vector<model::ValuePiece>& pieces, const EditContext& context,
                  std::string& out);

}  // namespace sluice::routing
