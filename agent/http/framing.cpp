// SPDX-License-Identifier: Apache-2.0
#include "agent/http/framing.hpp"

#include <limits>

#include "agent/base/text.hpp"
#include "agent/http/authority.hpp"
#include "agent/http/hop_by_hop.hpp"

namespace sluice::http {
namespace {

// Any list that is not the one word "chunked": which rule does it break?
H1Reason judge_codings(std::string_view value) {
  bool last_chunked = false;
  unsigned chunked = 0;
  unsigned other = 0;
  for (std::string_view rest = value; rest.data() != nullptr;) {
    const std::string_view coding = next_list_element(rest);
    if (!is_token(coding.substr(0, coding.find(';')))) return H1Reason::kInvalidTransferEncoding;
    last_chunked = equals_ignore_case(coding, "chunked");
    ++(last_chunked ? chunked : other);
  }
  if (chunked > 1) return H1Reason::kDuplicateTransferEncoding;
  if (!last_chunked) return H1Reason::kChunkedNotFinal;
  return other > 0 ? H1Reason::kUnsupportedCoding : H1Reason::kNone;
}

}  // namespace

H1Reason Framing::on_field(const FieldLine& field, std::size_t index) {
  foldable_ = false;
  if (field.odd_name && is_lookalike(field.name)) return H1Reason::kLookalikeFieldName;
  // The length tells most fields apart without comparing text.
  switch (field.name.size()) {
    case 2:
      if (equals_ignore_case(field.name, "TE")) return on_te(field.value);
      break;
    case 4:
      if (equals_ignore_case(field.name, "Host")) return on_host(field, index);
      break;
    case 6:
      if (equals_ignore_case(field.name, "Expect")) return on_expect(field);
      break;
    case 7:
      if (equals_ignore_case(field.name, "Upgrade")) has_upgrade_ |= !field.value.empty();
      break;
    case 10:
      if (equals_ignore_case(field.name, "Connection")) return on_connection(field.value);
      break;
    case 14:
      if (equals_ignore_case(field.name, "Content-Length")) return on_content_length(field);
      break;
    case 17:
      if (equals_ignore_case(field.name, "Transfer-Encoding")) return on_transfer_encoding(field);
      break;
    default:
      break;
  }
  foldable_ = true;
  return H1Reason::kNone;
}

H1Reason Framing::on_content_length(const FieldLine& field) {
  // A tab behind the number is legal, but parsers differ about it.
  if (field.value.empty() || span_of(field.value, kDigitChar) != field.value.size() ||
      field.trailing.find('\t') != std::string_view::npos) {
    return H1Reason::kInvalidContentLength;
  }
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t length = 0;
  for (const char c : field.value) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (length > (kMax - digit) / 10) return H1Reason::kContentLengthOverflow;
    length = length * 10 + digit;
  }
  if (has_length_) {
    return length == content_length_ ? H1Reason::kDuplicateContentLength
                                     : H1Reason::kConflictingContentLength;
  }
  has_length_ = true;
  content_length_ = length;
  return H1Reason::kNone;
}

H1Reason Framing::on_transfer_encoding(const FieldLine& field) {
  if (has_encoding_) return H1Reason::kDuplicateTransferEncoding;
  has_encoding_ = true;
  if (field.value.empty() || field.trailing.find('\t') != std::string_view::npos) {
    return H1Reason::kInvalidTransferEncoding;
  }
  return equals_ignore_case(field.value, "chunked") ? H1Reason::kNone : judge_codings(field.value);
}

H1Reason Framing::on_host(const FieldLine& field, std::size_t index) {
  duplicate_host_ = has_host_;
  has_host_ = true;
  host_index_ = index;
  valid_host_ = is_authority(field.value, Port::kOptional);
  return H1Reason::kNone;
}

H1Reason Framing::on_expect(const FieldLine& field) {
  if (equals_ignore_case(field.value, "100-continue")) {
    continue_ = true;
  } else {
    other_expectation_ = true;
  }
  return H1Reason::kNone;
}

H1Reason Framing::on_te(std::string_view value) {
  for (std::string_view rest = value; rest.data() != nullptr;) {
    trailers_ |= equals_ignore_case(next_list_element(rest), "trailers");
  }
  return H1Reason::kNone;
}

H1Reason Framing::on_connection(std::string_view value) {
  for (std::string_view rest = value; rest.data() != nullptr;) {
    const std::string_view option = next_list_element(rest);
    if (equals_ignore_case(option, "close")) {
      close_ = true;
    } else if (equals_ignore_case(option, "keep-alive")) {
      persistent_ = true;
    } else if (equals_ignore_case(option, "upgrade")) {
      connection_upgrade_ = true;
    } else {
      names_protected_ |= is_protected_from_connection(option);
    }
  }
  return H1Reason::kNone;
}

H1Reason Framing::check_combination(std::uint8_t minor_version) const {
  if (!has_encoding_) return H1Reason::kNone;
  if (has_length_) return H1Reason::kLengthAndEncoding;
  return minor_version == 0 ? H1Reason::kEncodingInHttp10 : H1Reason::kNone;
}

H1Reason Framing::check_host(RequestHead& head, DesyncJudge& judge) const {
  if (!has_host_) return head.minor_version == 0 ? H1Reason::kNone : H1Reason::kMissingHost;
  if (duplicate_host_) return H1Reason::kDuplicateHost;
  if (!valid_host_) return H1Reason::kInvalidHost;
  if (head.authority.empty()) {
    head.authority.assign(head.headers.at(host_index_).value);
  } else {
    // RFC 9112 3.2.2: the target's authority wins, and whoever reads Host later must see the same.
    const std::string_view host = head.headers.at(host_index_).value;
    if (host != head.authority) {
      if (!equals_ignore_case(host, head.authority) &&
          !judge.tolerates(H1Reason::kTargetAndHostDiffer)) {
        return H1Reason::kTargetAndHostDiffer;
      }
      head.headers.set("Host", head.authority);
    }
  }
  return H1Reason::kNone;
}

bool Framing::keep_alive(std::uint8_t minor_version) const {
  return !close_ && (minor_version >= 1 || persistent_);
}

// What is legal, and yet not read alike by everyone.
H1Reason Framing::check_oddities(const RequestHead& head, DesyncJudge& judge) const {
  if (names_protected_ && !judge.tolerates(H1Reason::kConnectionNamesProtected)) {
    return H1Reason::kConnectionNamesProtected;
  }
  if (!has_length_ && !has_encoding_) return H1Reason::kNone;
  // RFC 9110 9.3.1, 9.3.2, 9.3.8: a server may leave such a body unread, and take it for the next
  // request.
  if (head.method != "GET" && head.method != "HEAD" && head.method != "TRACE") {
    return H1Reason::kNone;
  }
  const H1Reason reason =
      has_encoding_ || content_length_ > 0 ? H1Reason::kUnexpectedBody : H1Reason::kZeroLengthBody;
  return judge.tolerates(reason) ? H1Reason::kNone : reason;
}

H1Reason Framing::finish(RequestHead& head, DesyncJudge& judge) const {
  if (const H1Reason reason = check_combination(head.minor_version); reason != H1Reason::kNone) {
    return reason;
  }
  if (const H1Reason reason = check_host(head, judge); reason != H1Reason::kNone) return reason;
  if (const H1Reason reason = check_oddities(head, judge); reason != H1Reason::kNone) return reason;
  const bool connect = head.method == "CONNECT";
  if (connect && (has_encoding_ || content_length_ > 0)) return H1Reason::kBodyWithConnect;
  if (has_encoding_) {
    head.body = BodyKind::kChunked;
  } else if (has_length_ && !connect) {
    head.body = BodyKind::kLength;
    head.content_length = content_length_;
  }
  head.keep_alive = keep_alive(head.minor_version);
  const bool http11 = head.minor_version >= 1;
  // RFC 9110 10.1.1 and 7.8: an HTTP/1.0 client may have copied Expect or Upgrade unread. Expect
  // would come to life in the HTTP/1.1 request that is written from this head.
  if (!http11 && (continue_ || other_expectation_)) head.headers.remove("Expect");
  if (http11 && other_expectation_) return H1Reason::kUnsupportedExpectation;
  head.expects_continue = http11 && continue_ && head.body != BodyKind::kNone;
  head.accepts_trailers = http11 && trailers_;
  head.upgrade = connect || (http11 && has_upgrade_ && connection_upgrade_);
  return H1Reason::kNone;
}

H1Reason Framing::finish(ResponseHead& head, bool to_head, bool to_connect) const {
  if (const H1Reason reason = check_combination(head.minor_version); reason != H1Reason::kNone) {
    return reason;
  }
  head.keep_alive = keep_alive(head.minor_version);
  const bool bodyless = head.status < 200 || head.status == 204;
  // RFC 9112 6.3: such a response ends with its head; a server that thinks otherwise sends bytes
  // that would be taken for the next response.
  if (bodyless && (has_encoding_ || content_length_ > 0)) return H1Reason::kBodyOnBodylessStatus;
  head.content_length = content_length_;
  if (bodyless || to_head || head.status == 304 || (to_connect && head.status / 100 == 2)) {
    head.body = BodyKind::kNone;
  } else if (has_encoding_) {
    head.body = BodyKind::kChunked;
  } else if (has_length_) {
    head.body = BodyKind::kLength;
  } else {
    head.body = BodyKind::kUntilClose;
    head.keep_alive = false;
  }
  return H1Reason::kNone;
}

}  // namespace sluice::http
