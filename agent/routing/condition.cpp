// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/condition.hpp"

#include "agent/base/text.hpp"
#include "agent/http/query.hpp"

namespace sluice::routing {
namespace {

using Kind = Condition::Kind;
using Subject = Condition::Subject;

// Several fields of one name are one value joined by "," (RFC 9110 5.3). One field, the usual case,
// is a view; the joined text lives in a buffer of the thread, whose capacity stays.
std::optional<std::string_view> header(const http::HeaderMap& headers, std::string_view name) {
  thread_local std::string joined;
  std::optional<std::string_view> value;
  bool copied = false;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const http::HeaderMap::Field field = headers.at(i);
    if (!equals_ignore_case(field.name, name)) continue;
    if (!value) {
      value = field.value;
      continue;
    }
    if (!copied) joined.assign(*value);
    copied = true;
    joined.append(1, ',').append(field.value);
  }
  return copied ? std::optional<std::string_view>(joined) : value;
}

std::optional<std::string_view> subject_value(const Condition& condition,
                                              const http::RequestHead& head) {
  switch (condition.subject) {
    case Subject::kUri:
      return head.path;
    case Subject::kScheme:
      return head.scheme;
    case Subject::kMethod:
      return head.method;
    case Subject::kAuthority:
      if (head.authority.empty()) return std::nullopt;  // HTTP/1.0 may come without Host
      return head.authority;
    case Subject::kHeader:
    case Subject::kWithoutHeader:
      return header(head.headers, condition.name);
    case Subject::kQueryParam:
      return query_param(head.query, condition.name);
    case Subject::kPort:
      break;
  }
  return std::nullopt;
}

bool text_matches(const Condition& condition, std::string_view text) {
  const std::string_view wanted = condition.value;
  switch (condition.kind) {
    case Kind::kExact:
      return condition.ignore_case ? equals_ignore_case(text, wanted) : text == wanted;
    case Kind::kPrefix:
      if (!condition.ignore_case) return text.starts_with(wanted);
      return text.size() >= wanted.size() &&
             equals_ignore_case(text.substr(0, wanted.size()), wanted);
    case Kind::kSegments:
      return text.starts_with(wanted) &&
             (text.size() == wanted.size() || text[wanted.size()] == '/');
    case Kind::kRegex:
      return condition.regex->matches(text);
    case Kind::kPresent:
      return true;
  }
  return false;
}

const char* name_of(Subject subject) {
  switch (subject) {
    case Subject::kUri:
      return "uri";
    case Subject::kScheme:
      return "scheme";
    case Subject::kMethod:
      return "method";
    case Subject::kAuthority:
      return "authority";
    case Subject::kHeader:
      return "header";
    case Subject::kWithoutHeader:
      return "without header";
    case Subject::kQueryParam:
      return "query parameter";
    case Subject::kPort:
      return "port";
  }
  return "";
}

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::kExact:
      return "exact";
    case Kind::kPrefix:
      return "prefix";
    case Kind::kSegments:
      return "path prefix";
    case Kind::kRegex:
      return "regex";
    case Kind::kPresent:
      return "present";
  }
  return "";
}

// Collects the conditions of one match; remembers the first failure.
class Compiler {
 public:
  explicit Compiler(RegexPool& pool) : pool_(pool) {}

  template <typename OptionalMatch>
  void add_text(Subject subject, const OptionalMatch& match, bool ignore_case = false) {
    if (match) add(subject, std::string(), *match, ignore_case);
  }
  void add(Subject subject, const std::vector<model::NamedMatch>& matches) {
    for (const auto& named : matches) add(subject, named.name, named.match, false);
  }
  void add_port(std::uint16_t port) {
    Condition condition;
    condition.subject = Subject::kPort;
    condition.port = port;
    out_.push_back(std::move(condition));
  }
  Result<std::vector<Condition>> finish() {
    if (error_) return tl::unexpected(*error_);
    return std::move(out_);
  }

 private:
  void add(Subject subject, const std::string& name, const model::StringMatch& match,
           bool ignore_case) {
    Condition condition;
    condition.subject = subject;
    condition.kind = match.kind;
    condition.ignore_case = ignore_case && match.kind != Kind::kRegex;
    condition.name = name;
    condition.value = match.value;
    if (match.kind == Kind::kRegex) {
      auto regex = pool_.get(match.value);
      if (!regex) {
        if (!error_) error_ = std::move(regex).error();
        return;
      }
      condition.regex = std::move(*regex);
    }
    out_.push_back(std::move(condition));
  }

  RegexPool& pool_;
  std::vector<Condition> out_;
  std::optional<Error> error_;
};

// uri prefix "/" is how people write "everything", so it takes the asterisk form (OPTIONS *, RFC 9112 3.2.4) and
// CONNECT's empty path as well: else no listener with it could be steered, for one request that nobody sends.
std::optional<model::StringMatch> whole(std::optional<model::StringMatch> uri) {
  if (uri && uri->kind == model::StringMatch::Kind::kPrefix && uri->value == "/") {
    uri->value.clear();
  }
  return uri;
}

}  // namespace

bool Condition::holds(const http::RequestHead& head, std::uint16_t listener_port) const {
  if (subject == Subject::kPort) return port == listener_port;
  const auto text = subject_value(*this, head);
  const bool matches = text && text_matches(*this, *text);
  return subject == Subject::kWithoutHeader ? !matches : matches;
}

bool Condition::never_holds(std::uint16_t listener_port) const {
  return subject == Subject::kPort && port != listener_port;
}

bool Condition::always_holds(std::uint16_t listener_port) const {
  switch (subject) {
    case Subject::kPort:
      return port == listener_port;
    case Subject::kUri:
    case Subject::kScheme:
    case Subject::kMethod:
      return kind == Kind::kPresent || (kind == Kind::kPrefix && value.empty());
    default:
      return false;
  }
}

std::string Condition::describe() const {
  std::string out = name_of(subject);
  if (subject == Subject::kPort) return out + " " + std::to_string(port);
  if (!name.empty()) out += " \"" + name + "\"";
  out += std::string(" ") + name_of(kind);
  if (kind != Kind::kPresent) out += " \"" + value + "\"";
  if (ignore_case) out += " (ignoring case)";
  return out;
}

std::string Condition::found_in(const http::RequestHead& head, std::uint16_t listener_port) const {
  if (subject == Subject::kPort) return std::to_string(listener_port);
  const auto text = subject_value(*this, head);
  return text ? std::string(*text) : "(absent)";
}

Result<std::vector<Condition>> compile_match(const model::RouteMatch& match, RegexPool& pool) {
  Compiler compiler(pool);
  compiler.add_text(Subject::kUri, whole(match.uri), match.ignore_uri_case);
  compiler.add_text(Subject::kScheme, match.scheme);
  compiler.add_text(Subject::kMethod, match.method);
  compiler.add_text(Subject::kAuthority, match.authority);
  compiler.add(Subject::kHeader, match.headers);
  compiler.add(Subject::kWithoutHeader, match.without_headers);
  compiler.add(Subject::kQueryParam, match.query_params);
  if (match.port) compiler.add_port(*match.port);
  return compiler.finish();
}

std::optional<std::string_view> query_param(std::string_view query, std::string_view name) {
  return http::query_parameter(query, name);
}

}  // namespace sluice::routing
