// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/http_headers.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "agent/config/translate/http_answer.hpp"
#include "agent/config/translate/token.hpp"
#include "agent/model/header_template.hpp"

namespace sluice::config {
namespace {

enum class Side { kRequest, kResponse };

// The other folders' sentences end with what to write instead, behind a semicolon.
void report_bad_header(Report& report, Mark mark, const std::string& path,
                       const std::string& sentence) {
  const auto end = sentence.find("; ");
  report.error(mark, path, "bad_header", sentence.substr(0, end),
               end == std::string::npos ? std::string() : sentence.substr(end + 2));
}

class Reader {
 public:
  explicit Reader(const DecodeInput& input) : input_(input) {}

  void read(Fields& headers, const char* name, Side side, model::HeaderChanges& out) {
    const auto located = headers.map(name);
    if (!located) return;
    Fields fields(*located->node, located->path, input_.report);
    read_values(fields, "set", side, out.set);
    // Host is one value: to add one is to set it, as in Istio.
    std::vector<model::HeaderValue> added;
    read_values(fields, "add", side, added);
    for (model::HeaderValue& value : added) {
      const bool host = model::names_authority(value.name);
      (host ? out.set : out.add).push_back(std::move(value));
    }
    for (const Text& text : fields.texts("remove")) {
      if (model::names_authority(text.value)) {
        report_host(text.mark, text.path, text.value);
      } else if (usable(text.value, text.mark, text.path)) {
        out.remove.push_back(text.value);
      }
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
      if (!usable(member.key, member.mark, path)) continue;
      const bool host = model::names_authority(member.key);
      if (host && side == Side::kResponse) {
        report_host(member.mark, path, member.key);
        continue;
      }
      auto value = read_value(member, path);
      if (!value) continue;
      const bool variable =
          std::any_of(value->begin(), value->end(), [](const model::ValuePiece& piece) {
            return piece.kind != model::ValuePiece::Kind::kLiteral;
          });
      if (host && !variable) {
        (void)check_authority({value->empty() ? std::string() : value->front().text,
                               input_.origin(member.value.mark, path)},
                              input_.report);
      }
      out.push_back({member.key, std::move(*value)});
    }
  }

  std::optional<std::vector<model::ValuePiece>> read_value(const Member& member,
                                                           const std::string& path) {
    const Node& node = member.value;
    if (node.is_null()) return std::vector<model::ValuePiece>();
    if (node.kind != Node::Kind::kScalar || node.type() != Node::Type::kString) {
      input_.report.error(
          node.mark, path, "wrong_type", fmt::format("needs a string, got {}", node.describe()),
          node.kind == Node::Kind::kScalar ? fmt::format("write it in quotes: \"{}\"", node.scalar)
                                           : std::string());
      return std::nullopt;
    }
    auto pieces = model::parse_header_value(node.scalar);
    if (pieces) return std::move(*pieces);
    report_bad_header(input_.report, node.mark, path, pieces.error().message);
    return std::nullopt;
  }

  void report_host(Mark mark, const std::string& path, const std::string& name) {
    input_.report.error(mark, path, "bad_header",
                        fmt::format("`{}` can only be set, and only in requests", name),
                        "write `set:` with it below `request:`");
  }

  bool usable(const std::string& name, Mark mark, const std::string& path) {
    const auto wrong = model::check_header_name(name);
    if (!wrong) return true;
    if (is_token(name)) {
      input_.report.unsupported(mark, path, *wrong);
    } else {
      report_bad_header(input_.report, mark, path, *wrong);
    }
    return false;
  }

  const DecodeInput& input_;
};

}  // namespace

std::optional<model::HeaderRules> read_headers(const DecodeInput& input, Fields& fields) {
  const auto located = fields.map("headers");
  if (!located) return std::nullopt;
  model::HeaderRules out;
  Reader reader(input);
  Fields headers(*located->node, located->path, input.report);
  reader.read(headers, "request", Side::kRequest, out.request);
  reader.read(headers, "response", Side::kResponse, out.response);
  headers.finish();
  if (out.empty()) return std::nullopt;
  return out;
}

const model::HeaderValue* authority_of(const model::HeaderRules& rules) {
  const auto& set = rules.request.set;
  const auto found = std::find_if(set.begin(), set.end(), [](const model::HeaderValue& value) {
    return model::names_authority(value.name);
  });
  return found == set.end() ? nullptr : &*found;
}

}  // namespace sluice::config
