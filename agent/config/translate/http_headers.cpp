// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/http_headers.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "agent/base/text.hpp"

namespace sluice::config {
namespace {

// The proxy writes these itself, as they frame the message or end with the connection.
constexpr std::array<std::string_view, 8> kConnectionFields{
    "connection", "content-length", "keep-alive", "proxy-connection",
    "te",         "trailer",        "upgrade",    "transfer-encoding"};

bool is_authority(std::string_view name) {
  return equals_ignore_case(name, "host") || name == ":authority";
}

enum class Side { kRequest, kResponse };

class Reader {
 public:
  Reader(const DecodeInput& input, ReadHeaders& out) : input_(input), out_(out) {}

  void read(Fields& headers, const char* name, Side side, model::HeaderChanges& changes) {
    const auto located = headers.map(name);
    if (!located) return;
    Fields fields(*located->node, located->path, input_.report);
    read_values(fields, "set", side, changes.set);
    read_values(fields, "add", side, changes.add);
    for (const Text& text : fields.texts("remove")) {
      if (usable(text.value, text.mark, text.path)) changes.remove.push_back(text.value);
    }
    fields.finish();
  }

 private:
  void read_values(Fields& fields, const char* name, Side side,
                   std::vector<model::HeaderValue>& out) {
    const auto map = fields.map(name);
    if (!map) return;
    for (const Member& member : map->node->members) {
      const std::string path = fmt::format("{}[\"{}\"]", map->path, member.key);
      const auto value = read_value(member, path);
      if (!value) continue;
      if (side == Side::kRequest && is_authority(member.key)) {
        set_authority(member, path, *value);
      } else if (usable(member.key, member.mark, path)) {
        out.push_back({member.key, {{model::ValuePiece::Kind::kLiteral, *value, {}}}});
      }
    }
  }

  std::optional<std::string> read_value(const Member& member, const std::string& path) {
    if (member.value.is_null()) return std::string();
    const Node& node = member.value;
    if (node.kind != Node::Kind::kScalar || node.type() != Node::Type::kString) {
      input_.report.error(
          node.mark, path, "wrong_type", fmt::format("needs a string, got {}", node.describe()),
          node.kind == Node::Kind::kScalar ? fmt::format("write it in quotes: \"{}\"", node.scalar)
                                           : std::string());
      return std::nullopt;
    }
    // RFC 9110 5.5: no control characters but tabs.
    const bool bad = std::any_of(node.scalar.begin(), node.scalar.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    });
    if (!bad) return node.scalar;
    input_.report.error(node.mark, path, "bad_header",
                        "a header's value must not contain control characters or line ends",
                        "write one line");
    return std::nullopt;
  }

  void set_authority(const Member& member, const std::string& path, const std::string& value) {
    if (!out_.authority) {
      out_.authority = PlacedText{value, input_.origin(member.mark, path)};
      return;
    }
    input_.report.error(
        member.mark, path, "conflicting_fields",
        fmt::format("the authority is already set at line {}", out_.authority->origin.line),
        "write it once");
  }

  bool usable(const std::string& name, Mark mark, const std::string& path) {
    if (!is_header_name(name) || is_authority(name)) {
      input_.report.error(mark, path, "bad_header",
                          is_authority(name)
                              ? fmt::format("`{}` can only be set, and only in requests", name)
                              : fmt::format("`{}` is not a header name", name),
                          "write a name such as `x-request-source`");
      return false;
    }
    const std::string lower = to_lower(name);
    if (std::find(kConnectionFields.begin(), kConnectionFields.end(), lower) ==
        kConnectionFields.end()) {
      return true;
    }
    input_.report.unsupported(mark, path,
                              "it belongs to the connection, and the proxy writes it itself");
    return false;
  }

  const DecodeInput& input_;
  ReadHeaders& out_;
};

}  // namespace

bool is_header_name(std::string_view name) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

std::optional<ReadHeaders> read_headers(const DecodeInput& input, Fields& fields) {
  const auto located = fields.map("headers");
  if (!located) return std::nullopt;
  ReadHeaders out;
  Reader reader(input, out);
  Fields headers(*located->node, located->path, input.report);
  reader.read(headers, "request", Side::kRequest, out.rules.request);
  reader.read(headers, "response", Side::kResponse, out.rules.response);
  headers.finish();
  return out;
}

}  // namespace sluice::config
