// SPDX-License-Identifier: Apache-2.0
// What an accepted request says: target forms, body kind, persistence, Expect, Upgrade.
#include <gtest/gtest.h>

#include <string>

#include "tests/http/feed.hpp"

namespace sluice::http::testing {
namespace {

RequestHead parse(const std::string& bytes) {
  H1RequestParser parser;
  const H1Progress progress = parser.next(bytes);
  EXPECT_EQ(progress.event, H1Event::kHead) << bytes << parser.error().message;
  EXPECT_EQ(progress.consumed, bytes.size());
  return parser.head();
}

RequestHead get(const std::string& target, const std::string& fields = {}) {
  return parse("GET " + target + " HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n");
}

TEST(RequestTarget, OriginFormSplitsAtTheFirstQuestionMark) {
  const RequestHead head = get("/a/b?c=d?e");
  EXPECT_EQ(head.path, "/a/b");
  EXPECT_EQ(head.query, "c=d?e");
  EXPECT_EQ(head.authority, "a.example");
  EXPECT_EQ(head.target, "/a/b?c=d?e");
}

TEST(RequestTarget, AbsoluteFormOverridesHost) {
  const RequestHead head = get("http://B.example:8080/p?q");
  EXPECT_EQ(head.path, "/p");
  EXPECT_EQ(head.query, "q");
  EXPECT_EQ(head.authority, "B.example:8080");
  EXPECT_EQ(head.headers.get("host"), "B.example:8080");
  EXPECT_EQ(head.scheme, "http");
}

TEST(RequestTarget, AbsoluteFormWithoutPathIsRoot) {
  EXPECT_EQ(get("http://b").path, "/");
  const RequestHead head = get("HTTPS://b?q");
  EXPECT_EQ(head.path, "/");
  EXPECT_EQ(head.query, "q");
  EXPECT_EQ(head.scheme, "https");
}

TEST(RequestTarget, AsteriskForm) {
  EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").path, "*");
  EXPECT_EQ(parse("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n").path, "*");
}

TEST(RequestTarget, ConnectHasAuthorityAndNoPath) {
  const RequestHead head = parse("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(head.authority, "[2001:db8::1]:443");
  EXPECT_EQ(head.path, "");
  EXPECT_TRUE(head.upgrade);
  EXPECT_EQ(head.body, BodyKind::kNone);
}

TEST(RequestTarget, KeepsCharactersThatBrowsersSendRaw) {
  EXPECT_EQ(get("/a|b\"{}^`\\<>%zz?x=[1]").path, "/a|b\"{}^`\\<>%zz");
}

TEST(RequestLine, AcceptsAnyTokenAsMethodAndOneEmptyLineBefore) {
  EXPECT_EQ(parse("QUERY / HTTP/1.1\r\nHost: a\r\n\r\n").method, "QUERY");
  EXPECT_EQ(parse("get / HTTP/1.1\r\nHost: a\r\n\r\n").method, "get");
  EXPECT_EQ(parse("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").method, "GET");
}

TEST(RequestFields, KeepOrderCaseAndDuplicatesAndLoseOuterBlanks) {
  const RequestHead head = get("/", "X-B:  1\t \r\nx-a:\r\nX-B: \xe4 2\t3\r\n");
  ASSERT_EQ(head.headers.size(), 4U);
  EXPECT_EQ(head.headers.at(1).name, "X-B");
  EXPECT_EQ(head.headers.at(1).value, "1");
  EXPECT_EQ(head.headers.at(2).name, "x-a");
  EXPECT_EQ(head.headers.at(2).value, "");
  EXPECT_EQ(head.headers.at(3).value, "\xe4 2\t3");
}

TEST(RequestBody, KindFollowsTheFramingFields) {
  EXPECT_EQ(get("/").body, BodyKind::kNone);
  const RequestHead sized = get("/", "content-LENGTH: 0018446744073709551615 \r\n");
  EXPECT_EQ(sized.body, BodyKind::kLength);
  EXPECT_EQ(sized.content_length, 18446744073709551615ULL);
  EXPECT_EQ(get("/", "Content-Length: 0\r\n").body, BodyKind::kLength);
  EXPECT_EQ(get("/", "Transfer-Encoding:  Chunked \r\n").body, BodyKind::kChunked);
}

struct KeepAlive {
  const char* version;
  const char* fields;
  bool expected;
};
class RequestKeepAlive : public ::testing::TestWithParam<KeepAlive> {};
TEST_P(RequestKeepAlive, FollowsVersionAndConnection) {
  const KeepAlive& c = GetParam();
  const std::string bytes =
      std::string("GET / HTTP/") + c.version + "\r\nHost: a\r\n" + c.fields + "\r\n";
  EXPECT_EQ(parse(bytes).keep_alive, c.expected) << bytes;
}
INSTANTIATE_TEST_SUITE_P(
    All, RequestKeepAlive,
    ::testing::Values(KeepAlive{"1.1", "", true}, KeepAlive{"1.0", "", false},
                      KeepAlive{"1.1", "Connection: x, Close\r\n", false},
                      KeepAlive{"1.1", "Connection: x\r\nConnection: close\r\n", false},
                      KeepAlive{"1.0", "Connection: Keep-Alive\r\n", true},
                      KeepAlive{"1.0", "Connection: keep-alive, close\r\n", false},
                      KeepAlive{"1.1", "Connection: closed\r\n", true}));

TEST(RequestVersion, Http10NeedsNoHost) {
  const RequestHead head = parse("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(head.minor_version, 0);
  EXPECT_EQ(head.authority, "");
}

TEST(RequestExpect, OnlyWithBodyAndHttp11) {
  const std::string expect = "Expect: 100-Continue\r\n";
  EXPECT_TRUE(get("/", expect + "Content-Length: 3\r\n").expects_continue);
  EXPECT_FALSE(get("/", expect).expects_continue);
  EXPECT_FALSE(
      parse("POST / HTTP/1.0\r\nContent-Length: 3\r\n" + expect + "\r\n").expects_continue);
}

// It would be an expectation again in the HTTP/1.1 request to the upstream.
TEST(RequestExpect, OfHttp10IsDropped) {
  const RequestHead head = parse("POST / HTTP/1.0\r\nHost: a\r\nExpect: tea\r\nX: y\r\n\r\n");
  EXPECT_FALSE(head.headers.has("Expect"));
  EXPECT_EQ(head.headers.size(), 2U);
}

TEST(RequestUpgrade, NeedsBothFields) {
  EXPECT_TRUE(get("/", "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n").upgrade);
  EXPECT_FALSE(get("/", "Upgrade: websocket\r\n").upgrade);
  EXPECT_FALSE(get("/", "Connection: upgrade\r\n").upgrade);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n").upgrade);
}

}  // namespace
}  // namespace sluice::http::testing
