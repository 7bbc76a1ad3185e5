// SPDX-License-Identifier: Apache-2.0
#include "agent/http/request_line.hpp"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

TEST(LooksLikeRequest, WhatAParserWouldGoOnWithDoes) {
  for (const char* bytes :
       {"", "G", "GET", "GET ", "GET /long", "\r\n", "\r\nGET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n", "PROPFIND /x HTTP/1.1\n", "PRI * HTTP/2.0\r\n"}) {
    EXPECT_TRUE(looks_like_request(bytes)) << bytes;
  }
}

TEST(LooksLikeRequest, TheMiddleOfABodyDoesNot) {
  for (const char* bytes : {" GET / HTTP/1.1\r\n", "{\"a\": 1}", "hello world\r\nand more",
                            "\x01\x02", "5\r\nhello\r\n", "GET /\r\n", "a=1&b=2", "<html>",
                            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}) {
    EXPECT_FALSE(looks_like_request(bytes)) << bytes;
  }
}

}  // namespace
}  // namespace sluice::http
