// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/action/header_edit.hpp"

#include <ctime>

#include "agent/http/authority.hpp"
#include "agent/http/syntax.hpp"
#include "agent/model/header_template.hpp"

namespace sluice::routing {
namespace {

using Kind = model::ValuePiece::Kind;

bool is_ours(const std::string& name) {
  return !model::check_header_name(name) && !model::names_authority(name);
}

void append_field(const http::RequestHead& head, std::string_view name, std::string& out) {
  if (!name.starts_with(':')) {
    if (const auto value = head.headers.get_joined(name)) out.append(*value);
  } else if (name == ":authority") {
    out.append(head.authority);
  } else if (name == ":method") {
    out.append(head.method);
  } else if (name == ":scheme") {
    out.append(head.scheme);
  } else if (name == ":path") {
    out.append(head.path);
    if (!head.query.empty()) out.append("?").append(head.query);
  }
}

// RFC 3339, UTC, with milliseconds.
void append_time(std::chrono::system_clock::time_point time, std::string& out) {
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = millis / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string fraction = std::to_string(1000 + millis % 1000);
  out.append(text, size).append(".").append(fraction, 1).append("Z");
}

void append_request_field(const model::ValuePiece& piece, const EditContext& context,
                          std::string& out) {
  if (context.request == nullptr) return;
  const std::size_t before = out.size();
  append_field(*context.request, piece.text, out);
  if (out.size() == before && !piece.alternative.empty()) {
    append_field(*context.request, piece.alternative, out);
  }
}

void append_response_field(const model::ValuePiece& piece, const EditContext& context,
                           std::string& out) {
  if (context.response == nullptr) return;
  auto value = context.response->headers.get_joined(piece.text);
  if (!value && !piece.alternative.empty()) {
    value = context.response->headers.get_joined(piece.alternative);
  }
  if (value) out.append(*value);
}

void append_piece(const model::ValuePiece& piece, const EditContext& context, std::string& out) {
  switch (piece.kind) {
    case Kind::kLiteral:
      out.append(piece.text);
      break;
    case Kind::kRequestHeader:
      append_request_field(piece, context, out);
      break;
    case Kind::kResponseHeader:
      append_response_field(piece, context, out);
      break;
    case Kind::kClientAddress:
      out.append(to_string(context.client));
      break;
    case Kind::kClientIp:
      out.append(to_string(context.client.ip));
      break;
    case Kind::kLocalAddress:
      out.append(to_string(context.local));
      break;
    case Kind::kLocalPort:
      out.append(std::to_string(context.local.port));
      break;
    case Kind::kProtocol:
      out.append(context.protocol);
      break;
    case Kind::kRouteName:
      out.append(context.route_name);
      break;
    case Kind::kUpstreamHost:
      if (context.upstream != nullptr) out.append(to_string(*context.upstream));
      break;
    case Kind::kUpstreamCluster:
      out.append(context.cluster);
      break;
    case Kind::kStartTime:
      append_time(context.start, out);
      break;
    case Kind::kResponseCode:
      if (context.response != nullptr) out.append(std::to_string(context.response->status));
      break;
    case Kind::kHostname:
      out.append(context.hostname);
      break;
  }
}

// The text of a field, or false when there is nothing to write: an empty literal is a value, variables that stand for
// nothing are not.
bool render(const std::vector<model::ValuePiece>& pieces, const EditContext& context,
            std::string& out) {
  out.clear();
  append_value(pieces, context, out);
  if (out.empty()) return pieces.empty();
  return http::is_field_value(out);
}

}  // namespace

void append_value(const std::vector<model::ValuePiece>& pieces, const EditContext& context,
                  std::string& out) {
  for (const model::ValuePiece& piece : pieces) append_piece(piece, context, out);
}

HeaderEdit::HeaderEdit(const model::HeaderChanges& changes) {
  for (const std::string& name : changes.remove) {
    if (is_ours(name)) remove_.push_back(name);
  }
  for (const model::HeaderValue& value : changes.set) {
    if (is_ours(value.name)) {
      set_.push_back(value);
    } else if (model::names_authority(value.name)) {
      authority_ = value.value;
      sets_authority_ = true;
    }
  }
  for (const model::HeaderValue& value : changes.add) {
    if (is_ours(value.name)) add_.push_back(value);
  }
}

void HeaderEdit::apply(http::HeaderMap& headers, const EditContext& context,
                       std::string& scratch) const {
  for (const std::string& name : remove_) headers.remove(name);
  for (const model::HeaderValue& value : set_) {
    if (render(value.value, context, scratch)) headers.set(value.name, scratch);
  }
  for (const model::HeaderValue& value : add_) {
    if (render(value.value, context, scratch)) headers.add(value.name, scratch);
  }
}

void HeaderEdit::apply(http::RequestHead& head, const EditContext& context,
                       std::string& scratch) const {
  if (sets_authority_ && render(authority_, context, scratch) &&
      http::is_authority(scratch, http::Port::kOptional)) {
    head.authority = scratch;
    head.headers.set("Host", scratch);
  }
  apply(head.headers, context, scratch);
}

void HeaderEdit::apply(http::ResponseHead& head, const EditContext& context,
                       std::string& scratch) const {
  apply(head.headers, context, scratch);
}

}  // namespace sluice::routing
