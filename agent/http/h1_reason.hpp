// SPDX-License-Identifier: Apache-2.0
// Why an HTTP/1 message was refused: one row a reason, with the metric label, the status for a
// request (a response is always 502) and what is wrong. Called by the codec; docs/http.md and the
// tests hold one row for each. Thread: any. Invariants: codes are stable, they are metric labels.
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>

// X(name, code, request status, text)
#define SLUICE_H1_REASONS(X)                                                                       \
  X(None, "", 0, "")                                                                               \
  X(BareLf, "bare_lf", 400, "a line ends with LF instead of CRLF")                                 \
  X(BareCr, "bare_cr", 400, "a CR is not followed by LF")                                          \
  X(NulByte, "nul_byte", 400, "there is a NUL byte")                                               \
  X(ObsFold, "obs_fold", 400, "a line begins with whitespace (obsolete line folding)")             \
  X(SpaceBeforeColon, "space_before_colon", 400, "whitespace stands before the colon of a field")  \
  X(EmptyFieldName, "empty_field_name", 400, "a field has no name")                                \
  X(InvalidFieldName, "invalid_field_name", 400, "a field name is not a token")                    \
  X(InvalidFieldValue, "invalid_field_value", 400, "a field value has a control character")        \
  X(MissingColon, "missing_colon", 400, "a field line has no colon")                               \
  X(EmptyLineBefore, "empty_line_before", 400, "an empty line before the request")                 \
  X(EmptyRequestLine, "empty_request_line", 400, "more than one empty line before the request")    \
  X(InvalidMethod, "invalid_method", 400, "the method is not a token followed by one space")       \
  X(InvalidTarget, "invalid_target", 400, "the request target is malformed for this method")       \
  X(FragmentInTarget, "fragment_in_target", 400, "the request target has a fragment (#)")          \
  X(RawTargetCharacter, "raw_target_character", 400,                                               \
    "the target has a character that a URI must encode, or a % without two digits")                \
  X(TargetTooLong, "target_too_long", 414, "the request target exceeds the limit")                 \
  X(UnsupportedScheme, "unsupported_scheme", 400, "the target's scheme is neither http nor https") \
  X(UserinfoInAuthority, "userinfo_in_authority", 400, "the authority has user information (@)")   \
  X(InvalidAuthority, "invalid_authority", 400, "the target's authority is not host[:port]")       \
  X(ExtraSpace, "extra_space", 400, "the request line has more than two spaces")                   \
  X(MissingVersion, "missing_version", 400, "the request line has no HTTP version")                \
  X(InvalidVersion, "invalid_version", 400, "the version is neither HTTP/1.0 nor HTTP/1.1")        \
  X(Http2Version, "http2_version_in_http1", 400, "an HTTP/1 start line claims HTTP/2")             \
  X(UnsupportedVersion, "unsupported_version", 505, "the major version is not supported")          \
  X(H2PriorKnowledge, "h2_prior_knowledge", 400, "an HTTP/2 preface on an HTTP/1 listener")        \
  X(TlsOnPlainPort, "tls_on_plain_port", 400, "a TLS ClientHello on a listener without TLS")       \
  X(HeadTooLarge, "head_too_large", 431, "the head exceeds the limit in bytes")                    \
  X(TooManyFields, "too_many_fields", 431, "there are more fields than the limit")                 \
  X(UnderscoreInName, "underscore_in_name", 400, "a field name has an underscore")                 \
  X(LookalikeFieldName, "lookalike_field_name", 400,                                               \
    "a field name that some read as one that says where a message ends or who sent it")            \
  X(ObsText, "obs_text", 400, "a field value has bytes above 0x7f")                                \
  X(ConnectionNamesProtected, "connection_names_protected", 400,                                   \
    "Connection names a field that is not the connection's")                                       \
  X(TargetAndHostDiffer, "target_and_host_differ", 400,                                            \
    "the target's authority is not what Host says")                                                \
  X(MissingHost, "missing_host", 400, "an HTTP/1.1 request has no Host")                           \
  X(DuplicateHost, "duplicate_host", 400, "there is more than one Host")                           \
  X(InvalidHost, "invalid_host", 400, "Host is not host[:port]")                                   \
  X(InvalidContentLength, "invalid_content_length", 400, "Content-Length is not a decimal number") \
  X(ContentLengthOverflow, "content_length_overflow", 400, "Content-Length exceeds 64 bits")       \
  X(DuplicateContentLength, "duplicate_content_length", 400, "more than one Content-Length")       \
  X(ConflictingContentLength, "conflicting_content_length", 400, "two Content-Length that differ") \
  X(LengthAndEncoding, "content_length_and_transfer_encoding", 400,                                \
    "both Content-Length and Transfer-Encoding are present")                                       \
  X(EncodingInHttp10, "transfer_encoding_in_http_1_0", 400, "Transfer-Encoding in HTTP/1.0")       \
  X(DuplicateTransferEncoding, "duplicate_transfer_encoding", 400,                                 \
    "more than one Transfer-Encoding, or chunked twice")                                           \
  X(InvalidTransferEncoding, "invalid_transfer_encoding", 400, "malformed Transfer-Encoding")      \
  X(ChunkedNotFinal, "chunked_not_final", 400, "chunked is not the final transfer coding")         \
  X(UnsupportedCoding, "unsupported_transfer_coding", 501, "a transfer coding besides chunked")    \
  X(UnsupportedExpectation, "unsupported_expectation", 417, "Expect is not 100-continue")          \
  X(BodyWithConnect, "body_with_connect", 400, "a CONNECT request declares a body")                \
  X(ZeroLengthBody, "zero_length_body", 400, "Content-Length: 0 with a method without a body")     \
  X(UnexpectedBody, "unexpected_body", 400, "a body with a method that gives it no meaning")       \
  X(BodyTooLarge, "body_too_large", 413, "the body exceeds the listener's limit")                  \
  X(InvalidChunkSize, "invalid_chunk_size", 400, "a chunk size is not hexadecimal within 64 bits") \
  X(InvalidChunkExtension, "invalid_chunk_extension", 400, "a chunk's size line is malformed")     \
  X(ChunkLineTooLong, "chunk_line_too_long", 400, "a chunk's size line exceeds the limit")         \
  X(ChunkNotTerminated, "chunk_not_terminated", 400, "a chunk's data is not followed by CRLF")     \
  X(TrailersTooLarge, "trailers_too_large", 431, "the trailers exceed the limit")                  \
  X(InvalidStatusLine, "invalid_status_line", 502, "the status line is malformed")                 \
  X(InvalidStatusCode, "invalid_status_code", 502, "the status code is not 100 to 999")            \
  X(InvalidReasonPhrase, "invalid_reason_phrase", 502,                                             \
    "the reason phrase has a control character")                                                   \
  X(BodyOnBodylessStatus, "body_on_bodyless_status", 502, "a 1xx or 204 response declares a body") \
  X(ParserDisagreement, "parser_disagreement", 400, "the two parsers read the framing differently")

namespace sluice::http {

enum class H1Reason : std::uint8_t {
#define X(name, code, status, text) k##name,
  SLUICE_H1_REASONS(X)
#undef X
};
#define X(name, code, status, text) (code),
inline constexpr std::size_t kH1Reasons =
    std::initializer_list<const char*>{SLUICE_H1_REASONS(X)}.size();
#undef X

struct H1ReasonInfo {
  const char* code;
  std::uint16_t request_status;
  const char* text;
};
[[nodiscard]] const H1ReasonInfo& info_of(H1Reason reason);

}  // namespace sluice::http
