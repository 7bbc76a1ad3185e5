// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "agent/http/h1_codec.hpp"

namespace sluice::http {
namespace {

std::string written(const RequestHead& head) {
  std::string out;
  write_request_head(head, out);
  return out;
}
std::string written(const ResponseHead& head, bool keep_alive) {
  std::string out;
  write_response_head(head, keep_alive, out);
  return out;
}

RequestHead request() {
  RequestHead head;
  head.method = "GET";
  head.target = head.path = "/";
  head.authority = "a";
  head.headers.add("Host", "a");
  return head;
}

TEST(WriteRequest, TargetFollowsPathAndQueryNotWhatWasReceived) {
  RequestHead head = request();
  head.target = "http://a/old?x";
  head.path = "/new";
  head.query = "y";
  EXPECT_EQ(written(head), "GET /new?y HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST(WriteRequest, NeverTwoFramings) {
  RequestHead head = request();
  head.headers.add("Content-Length", "7");
  head.headers.add("transfer-encoding", "chunked");
  head.body = BodyKind::kLength;
  head.content_length = 3;
  EXPECT_EQ(written(head), "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
  head.body = BodyKind::kChunked;
  EXPECT_EQ(written(head), "GET / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\n");
  head.body = BodyKind::kNone;
  EXPECT_EQ(written(head), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST(WriteRequest, FramingStaysWhereTheClientHadIt) {
  RequestHead head = request();
  head.headers.add("content-LENGTH", "007");
  head.headers.add("Content-Length", "7");
  head.headers.add("Accept", "*/*");
  head.body = BodyKind::kLength;
  head.content_length = 7;
  EXPECT_EQ(written(head), "GET / HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 7\r\nAccept: */*\r\n\r\n");
  head.headers.remove("Content-Length");
  EXPECT_EQ(written(head), "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nContent-Length: 7\r\n\r\n");
}

TEST(WriteRequest, AddsTheHostThatHttp10MayLack) {
  RequestHead head = request();
  head.headers.clear();
  head.minor_version = 0;
  EXPECT_EQ(written(head), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST(WriteResponse, ConnectionIsSaidWhenItDiffersFromTheClientsDefault) {
  ResponseHead head;
  head.status = 200;
  head.reason = "OK";
  head.body = BodyKind::kLength;
  EXPECT_EQ(written(head, true), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(written(head, false),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  head.minor_version = 0;
  EXPECT_EQ(written(head, true),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
  head.body = BodyKind::kUntilClose;
  EXPECT_EQ(written(head, true), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
}

TEST(WriteResponse, BodylessStatusesGetNoLength) {
  ResponseHead head;
  head.status = 204;
  head.content_length = 3;
  EXPECT_EQ(written(head, true), "HTTP/1.1 204 \r\n\r\n");
  head.status = 304;
  EXPECT_EQ(written(head, true), "HTTP/1.1 304 \r\nContent-Length: 3\r\n\r\n");
}

TEST(WriteResponse, FramingStaysWhereTheServerHadIt) {
  ResponseHead head;
  head.status = 200;
  head.headers.add("transfer-encoding", "Chunked");
  head.headers.add("Date", "x");
  head.body = BodyKind::kChunked;
  EXPECT_EQ(written(head, true), "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\nDate: x\r\n\r\n");
  head.body = BodyKind::kUntilClose;
  EXPECT_EQ(written(head, false), "HTTP/1.1 200 \r\nDate: x\r\nConnection: close\r\n\r\n");
}

TEST(WriteResponse, HeadSaysWhatTheBodyWouldHave) {
  ResponseHead head;
  head.status = 200;
  head.headers.add("Content-Length", "0");
  head.headers.add("Date", "x");
  EXPECT_EQ(written(head, true), "HTTP/1.1 200 \r\nContent-Length: 0\r\nDate: x\r\n\r\n");
  head.headers.set("Transfer-Encoding", "chunked");
  EXPECT_EQ(written(head, true), "HTTP/1.1 200 \r\nContent-Length: 0\r\nDate: x\r\n\r\n");
  head.headers.remove("Content-Length");
  EXPECT_EQ(written(head, true), "HTTP/1.1 200 \r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  head.minor_version = 0;  // an HTTP/1.0 client knows no such field
  EXPECT_EQ(written(head, true), "HTTP/1.1 200 \r\nDate: x\r\nConnection: keep-alive\r\n\r\n");
}

TEST(WriteResponse, SwitchingProtocolsKeepsTheCallersConnection) {
  ResponseHead head;
  head.status = 101;
  head.reason = "Switching Protocols";
  head.headers.add("Connection", "upgrade");
  head.headers.add("Upgrade", "websocket");
  EXPECT_EQ(
      written(head, false),
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST(WriteChunk, EmptyDataDoesNotEndTheBody) {
  std::string out;
  write_chunk("", out);
  EXPECT_EQ(out, "");
  write_chunk(std::string(26, 'x'), out);
  write_last_chunk(out);
  EXPECT_EQ(out, "1a\r\n" + std::string(26, 'x') + "\r\n0\r\n\r\n");
}

TEST(ReasonPhrase, KnowsTheCommonOnes) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(503), "Service Unavailable");
  EXPECT_EQ(reason_phrase(299), "");
}

}  // namespace
}  // namespace sluice::http
