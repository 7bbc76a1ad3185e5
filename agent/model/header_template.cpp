// SPDX-License-Identifier: Apache-2.0
#include "agent/model/header_template.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>

#include "agent/base/text.hpp"

namespace sluice::model {
namespace {

using Kind = ValuePiece::Kind;

struct Variable {
  std::string_view name;
  Kind kind;
};
constexpr std::array kVariables{
    Variable{"DOWNSTREAM_LOCAL_ADDRESS", Kind::kLocalAddress},
    Variable{"DOWNSTREAM_LOCAL_PORT", Kind::kLocalPort},
    Variable{"DOWNSTREAM_REMOTE_ADDRESS", Kind::kClientAddress},
    Variable{"DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", Kind::kClientIp},
    Variable{"HOSTNAME", Kind::kHostname},
    Variable{"PROTOCOL", Kind::kProtocol},
    Variable{"REQ", Kind::kRequestHeader},
    Variable{"RESP", Kind::kResponseHeader},
    Variable{"RESPONSE_CODE", Kind::kResponseCode},
    Variable{"ROUTE_NAME", Kind::kRouteName},
    Variable{"START_TIME", Kind::kStartTime},
    Variable{"UPSTREAM_CLUSTER", Kind::kUpstreamCluster},
    Variable{"UPSTREAM_HOST", Kind::kUpstreamHost},
};

tl::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message));
}

tl::unexpected<Error> unknown(std::string_view name) {
  std::array<std::string_view, kVariables.size()> names;
  std::ranges::transform(kVariables, names.begin(), &Variable::name);
  std::string message = "%" + std::string(name) + "% is no variable; ";
  if (const std::string meant = closest(name, names); !meant.empty()) {
    return invalid(message + "did you mean %" + meant + "%?");
  }
  message += "there are ";
  for (const auto known : names) message.append(known).append(known == names.back() ? "" : ", ");
  return invalid(message + ", and %% for a percent sign");
}

// RFC 9110 5.6.2, without '%', which begins a variable.
bool is_name(std::string_view name) {
  constexpr std::string_view kMarks = "!#$&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [kMarks](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           kMarks.find(c) != std::string_view::npos;
  });
}

// A field name, or a pseudo-header such as ":path" (REQ only).
bool is_field(std::string_view name, Kind kind) {
  const bool pseudo =
      name == ":authority" || name == ":path" || name == ":method" || name == ":scheme";
  return kind == Kind::kRequestHeader && pseudo ? true : is_name(name);
}

// `text` stands between two percent signs.
Result<ValuePiece> parse_variable(std::string_view text) {
  const std::size_t open = text.find('(');
  const std::string_view name = text.substr(0, open);
  const auto* const found = std::ranges::find(kVariables, name, &Variable::name);
  if (found == kVariables.end()) return unknown(name);
  const bool wants = found->kind == Kind::kRequestHeader || found->kind == Kind::kResponseHeader;
  if (!wants) {
    if (open == std::string_view::npos) return ValuePiece{found->kind, {}, {}};
    return invalid("%" + std::string(name) + "% takes no argument; write it without (...)");
  }
  if (open == std::string_view::npos || !text.ends_with(')')) {
    return invalid("%" + std::string(text) + "% does not say which header; write %" +
                   std::string(name) + "(x-name)%");
  }
  const std::string argument = to_lower(text.substr(open + 1, text.size() - open - 2));
  const std::size_t mark = argument.find('?');
  ValuePiece piece{found->kind, argument.substr(0, mark), {}};
  if (mark != std::string::npos) piece.alternative = argument.substr(mark + 1);
  const bool named = is_field(piece.text, piece.kind) &&
                     (mark == std::string::npos || is_field(piece.alternative, piece.kind));
  if (named) return piece;
  return invalid("\"" + argument + "\" is no header name; write %" + std::string(name) +
                 "(x-name)% or %" + std::string(name) + "(x-name?x-other)%");
}

void append_literal(std::string_view text, std::vector<ValuePiece>& out) {
  if (text.empty()) return;
  if (out.empty() || out.back().kind != Kind::kLiteral) out.push_back({Kind::kLiteral, {}, {}});
  out.back().text.append(text);
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

}  // namespace

Result<std::vector<ValuePiece>> parse_header_value(std::string_view text) {
  if (std::ranges::any_of(text, is_control)) {
    return invalid("a header value cannot hold a line end or another control character");
  }
  std::vector<ValuePiece> out;
  while (!text.empty()) {
    const std::size_t percent = text.find('%');
    append_literal(text.substr(0, percent), out);
    if (percent == std::string_view::npos) break;
    text.remove_prefix(percent + 1);
    const std::size_t end = text.find('%');
    if (end == std::string_view::npos) {
      return invalid("a lone % begins no variable; write %% for a percent sign");
    }
    if (end == 0) {
      append_literal("%", out);
    } else {
      auto piece = parse_variable(text.substr(0, end));
      if (!piece) return tl::unexpected(std::move(piece).error());
      out.push_back(std::move(*piece));
    }
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string to_text(const std::vector<ValuePiece>& pieces) {
  std::string out;
  for (const ValuePiece& piece : pieces) {
    if (piece.kind == Kind::kLiteral) {
      for (const char c : piece.text) out.append(c == '%' ? 2 : 1, c);
      continue;
    }
    const auto* const known = std::ranges::find(kVariables, piece.kind, &Variable::kind);
    out.append(1, '%').append(known->name);
    if (!piece.text.empty()) {
      out.append("(").append(piece.text);
      if (!piece.alternative.empty()) out.append("?").append(piece.alternative);
      out.append(")");
    }
    out.append(1, '%');
  }
  return out;
}

bool names_authority(std::string_view name) {
  return name == ":authority" || equals_ignore_case(name, "host");
}

std::optional<std::string> check_header_name(std::string_view name) {
  const std::string quoted = "\"" + std::string(name) + "\"";
  if (names_authority(name)) return std::nullopt;
  if (name.starts_with(':')) {
    return quoted +
           " is not a field; of the pseudo-headers only :authority can be set, others by "
           "rewrite and redirect";
  }
  if (!is_name(name)) {
    return quoted + " is no header name; write letters, digits and '-' only";
  }
  constexpr std::string_view kOwn[] = {
      "connection", "content-length", "keep-alive",        "proxy-connection",
      "te",         "trailer",        "transfer-encoding", "upgrade"};
  const bool own = std::ranges::any_of(
      kOwn, [name](std::string_view field) { return equals_ignore_case(name, field); });
  if (!own) return std::nullopt;
  return quoted + " says how this one message is sent; the proxy writes it itself, leave it out";
}

}  // namespace sluice::model
