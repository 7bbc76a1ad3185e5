// SPDX-License-Identifier: Apache-2.0
#include "agent/http/request_line.hpp"

#include "agent/base/text.hpp"
#include "agent/http/authority.hpp"
#include "agent/http/syntax.hpp"

namespace sluice::http {
namespace {

void split_path(std::string_view text, RequestHead& head) {
  const std::size_t mark = text.find('?');
  head.path.assign(text.substr(0, mark));
  head.query.assign(mark == std::string_view::npos ? std::string_view{} : text.substr(mark + 1));
}

// RFC 9112 3.2.2: "http://host[:port][/path][?query]".
H1Reason parse_absolute(std::string_view target, RequestHead& head) {
  const std::size_t colon = target.find("://");
  if (colon == std::string_view::npos) return H1Reason::kInvalidTarget;
  const std::string_view scheme = target.substr(0, colon);
  if (equals_ignore_case(scheme, "https")) {
    head.scheme.assign("https");
  } else if (!equals_ignore_case(scheme, "http")) {
    return is_token(scheme) ? H1Reason::kUnsupportedScheme : H1Reason::kInvalidTarget;
  }
  const std::string_view rest = target.substr(colon + 3);
  const std::size_t end = rest.find_first_of("/?");
  const std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos) return H1Reason::kUserinfoInAuthority;
  if (!is_authority(authority, Port::kOptional)) return H1Reason::kInvalidAuthority;
  head.authority.assign(authority);
  if (end != std::string_view::npos) {
    split_path(rest.substr(end), head);
    if (head.path.empty()) head.path.assign("/");
  } else {
    // RFC 9112 3.2.4: OPTIONS for a server as a whole in absolute-form has neither path nor query.
    head.path.assign(head.method == "OPTIONS" ? "*" : "/");
  }
  return H1Reason::kNone;
}

H1Reason parse_target(std::string_view target, RequestHead& head) {
  if (target.find('#') != std::string_view::npos) return H1Reason::kFragmentInTarget;
  head.target.assign(target);
  if (head.method == "CONNECT") {
    if (!is_authority(target, Port::kRequired)) return H1Reason::kInvalidAuthority;
    head.authority.assign(target);
    return H1Reason::kNone;
  }
  if (target.front() == '/') {
    split_path(target, head);
    return H1Reason::kNone;
  }
  if (target == "*") {
    head.path.assign(target);
    return head.method == "OPTIONS" ? H1Reason::kNone : H1Reason::kInvalidTarget;
  }
  return parse_absolute(target, head);
}

// What follows the space behind the target.
H1Reason parse_request_version(std::string_view text, std::uint8_t& minor) {
  if (text.empty()) return H1Reason::kMissingVersion;
  const H1Reason reason = parse_version(text, minor);
  if (reason != H1Reason::kInvalidVersion) return reason;
  return text.find(' ') != std::string_view::npos ? H1Reason::kExtraSpace : reason;
}

}  // namespace

H1Reason parse_version(std::string_view text, std::uint8_t& minor) {
  if (text.size() != 8 || !text.starts_with("HTTP/") || text[6] != '.' ||
      !has_class(text[5], kDigitChar) || !has_class(text[7], kDigitChar)) {
    return H1Reason::kInvalidVersion;
  }
  // HTTP/2 never has this format (RFC 9113 3.3): a peer that writes it is confused or probing, not
  // too new.
  if (text[5] == '2') return H1Reason::kHttp2Version;
  if (text[5] != '1') return H1Reason::kUnsupportedVersion;
  if (text[7] > '1') return H1Reason::kInvalidVersion;
  minor = static_cast<std::uint8_t>(text[7] - '0');
  return H1Reason::kNone;
}

H1Reason parse_request_line(std::string_view line, RequestHead& head, bool& plain) {
  if (line.starts_with("PRI * HTTP/2")) return H1Reason::kH2PriorKnowledge;
  const std::size_t method_end = span_of(line, kTokenChar);
  if (method_end == 0 || method_end == line.size() || line[method_end] != ' ') {
    return line.substr(method_end).starts_with('\0') ? H1Reason::kNulByte
                                                     : H1Reason::kInvalidMethod;
  }
  head.method.assign(line.substr(0, method_end));
  const std::string_view rest = line.substr(method_end + 1);
  unsigned common = kUriChar;
  const std::size_t target_end = span_of(rest, kTargetChar, common);
  if (target_end == 0)
    return rest.starts_with(' ') ? H1Reason::kExtraSpace : H1Reason::kInvalidTarget;
  if (target_end == rest.size()) return H1Reason::kMissingVersion;
  if (rest[target_end] == '\0') return H1Reason::kNulByte;
  if (rest[target_end] != ' ') return H1Reason::kInvalidTarget;
  const H1Reason version = parse_request_version(rest.substr(target_end + 1), head.minor_version);
  if (version != H1Reason::kNone) return version;
  const std::string_view target = rest.substr(0, target_end);
  const H1Reason reason = parse_target(target, head);
  // The brackets of an IPv6 address are no part of path or query.
  plain = ((common & kUriChar) != 0 && target.find('%') == std::string_view::npos) ||
          (is_uri_text(head.path) && is_uri_text(head.query));
  return reason;
}

bool looks_like_request(std::string_view bytes) {
  // RFC 9112 2.2: an empty line before the request line is to be ignored.
  while (bytes.starts_with('\r') || bytes.starts_with('\n')) bytes.remove_prefix(1);
  if (const std::size_t end = bytes.find('\n'); end != std::string_view::npos) {
    std::string_view line = bytes.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t version = line.rfind(' ');
    return version != std::string_view::npos && line.substr(version + 1).starts_with("HTTP/") &&
           looks_like_request(line);
  }
  constexpr std::size_t kLongestMethod = 32;
  const std::string_view method = bytes.substr(0, bytes.find(' '));
  return method.empty() ? bytes.empty() : method.size() <= kLongestMethod && is_token(method);
}

}  // namespace sluice::http
