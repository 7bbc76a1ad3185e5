// SPDX-License-Identifier: Apache-2.0
#include "agent/http/framing.hpp"

#include <limits>

#include "agent/base/text.hpp"
#include "agent/http/authority.hpp"

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
  // The length tells most fields apart without comparing text.
  switch (field.name.size()) {
    case 4:
      if (equals_ignore_case(field.name, "Host")) return on_host(field, index);
      break;
    case 6:
      if (equals_ignore_case(field.name, "Expect")) return on_expect(field);
      break;
    case 7:
      if (equals_ignore_case(field.name, "Upgrade")) has_upgrade_ = !field.value.empty();
      break;
    case 10:
      if (equals_ignore_case(field.name, "Connection")) on_connection(field.value);
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
  return H1Reason::kNone;
}

H1Reason Framing::on_content_length(const FieldLine& field) {
  if (has_length_) return H1Reason::kDuplicateContentLength;
  has_length_ = true;
  // A tab behind the number is legal, but parsers differ about it.
  if (field.value.empty() || span_of(field.value, kDigitChar) != field.value.size() ||
      field.trailing.find('\t') != std::string_view::npos) {
    return H1Reason::kInvalidContentLength;
  }
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  for (const char c : field.value) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (content_length_ > (kMax - digit) / 10) return H1Reason::kContentLengthOverflow;
    content_length_ = content_length_ * 10 + digit;
  }
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

void Framing::on_connection(std::string_view value) {
  for (std::string_view rest = value; rest.data() != nullptr;) {
    const std::string_view option = next_list_element(rest);
    close_ |= equals_ignore_case(option, "close");
    persistent_ |= equals_ignore_case(option, "keep-alive");
    connection_upgrade_ |= equals_ignore_case(option, "upgrade");
  }
}

H1Reason Framing::check_combination(std::uint8_t minor_version) const {
  if (!has_encoding_) return H1Reason::kNone;
  if (has_length_) return H1Reason::kLengthAndEncoding;
  return minor_version == 0 ? H1Reason::kEncodingInHttp10 : H1Reason::kNone;
}

H1Reason Framing::check_host(RequestHead& head) const {
  if (!has_host_) return head.minor_version == 0 ? H1Reason::kNone : H1Reason::kMissingHost;
  if (duplicate_host_) return H1Reason::kDuplicateHost;
  if (!valid_host_) return H1Reason::kInvalidHost;
  if (head.authority.empty()) {
    head.authority.assign(head.headers.at(host_index_).value);
  } else {
    // RFC 9112 3.2.2: the target's authority wins, and whoever reads Host later must see the same.
    if (head.headers.at(host_index_).value != head.authority) {
      head.headers.set("Host", head.authority);
    }
  }
  return H1Reason::kNone;
}

bool Framing::keep_alive(std::uint8_t minor_version) const {
  return !close_ && (minor_version >= 1 || persistent_);
}

H1Reason Framing::finish(RequestHead& head) const {
  if (const H1Reason reason = check_combination(head.minor_version); reason != H1Reason::kNone) {
    return reason;
  }
  if (const H1Reason reason = check_host(head); reason != H1Reason::kNone) return reason;
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
