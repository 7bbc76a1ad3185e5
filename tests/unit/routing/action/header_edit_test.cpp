// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/action/header_edit.hpp"

#include <gtest/gtest.h>

#include "agent/model/header_template.hpp"
#include "tests/unit/routing/builders.hpp"

namespace sluice::routing {
namespace {

using Pairs = std::vector<std::pair<const char*, const char*>>;

model::HeaderChanges changes(const Pairs& set, const Pairs& add, std::vector<std::string> remove) {
  model::HeaderChanges out;
  out.remove = std::move(remove);
  for (const auto& [name, value] : set) {
    out.set.push_back({name, model::parse_header_value(value).value()});
  }
  for (const auto& [name, value] : add) {
    out.add.push_back({name, model::parse_header_value(value).value()});
  }
  return out;
}

std::string lines(const http::HeaderMap& headers) {
  std::string out;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    out.append(headers.at(i).name).append(": ").append(headers.at(i).value).append("\n");
  }
  return out;
}

http::RequestHead edited(http::RequestHead head, const model::HeaderChanges& wanted) {
  EditContext context;
  context.request = &head;
  context.client = *SocketAddress::parse("203.0.113.7:4711");
  context.local = *SocketAddress::parse("192.0.2.1:80");
  context.protocol = "HTTP/1.1";
  context.route_name = "canary";
  context.cluster = "echo|v2|80";
  context.hostname = "node-1";
  context.start =
      std::chrono::system_clock::time_point(std::chrono::milliseconds(1'700'000'000'042));
  std::string scratch;
  HeaderEdit(wanted).apply(head, context, scratch);
  return head;
}

std::string fields(const model::HeaderChanges& wanted) {
  const auto head = request("shop.example.com", "/a", "q=1",
                            {{"Host", "shop.example.com"}, {"X-User", "jason"}, {"x-user", "eve"}});
  return lines(edited(head, wanted).headers);
}

TEST(HeaderEdit, SetReplacesAllFieldsOfTheName) {
  EXPECT_EQ(fields(changes({{"X-USER", "me"}, {"x-new", "1"}}, {}, {})),
            "Host: shop.example.com\nX-USER: me\nx-new: 1\n");
}

TEST(HeaderEdit, AddAppendsAField) {
  EXPECT_EQ(fields(changes({}, {{"x-user", "me"}}, {})),
            "Host: shop.example.com\nX-User: jason\nx-user: eve\nx-user: me\n");
}

TEST(HeaderEdit, RemoveComesFirst) {
  EXPECT_EQ(fields(changes({{"x-user", "me"}}, {}, {"X-USER"})),
            "Host: shop.example.com\nx-user: me\n");
}

TEST(HeaderEdit, TheHostCanBeSetAndNothingElse) {
  for (const char* name : {"Host", "host", ":authority"}) {
    const auto head = edited(request("shop.example.com", "/", "", {{"Host", "shop.example.com"}}),
                             changes({{name, "reviews"}}, {{name, "x"}}, {name}));
    EXPECT_EQ(head.authority, "reviews");
    EXPECT_EQ(lines(head.headers), "Host: reviews\n");
  }
}

TEST(HeaderEdit, WhatFramesTheMessageStays) {
  http::RequestHead head = request("a", "/", "", {{"Content-Length", "3"}});
  EXPECT_EQ(lines(edited(head, changes({{"content-length", "0"}, {"Connection", "close"}},
                                       {{"Transfer-Encoding", "chunked"}}, {"Content-Length"}))
                      .headers),
            "Content-Length: 3\n");
}

TEST(HeaderEdit, VariablesStandForTheRequest) {
  struct Case {
    const char* written;
    const char* becomes;
  };
  for (const Case& c : {
           Case{"for %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "for 203.0.113.7"},
           Case{"%DOWNSTREAM_REMOTE_ADDRESS%", "203.0.113.7:4711"},
           Case{"%DOWNSTREAM_LOCAL_ADDRESS%", "192.0.2.1:80"},
           Case{"%DOWNSTREAM_LOCAL_PORT%", "80"},
           Case{"%PROTOCOL%", "HTTP/1.1"},
           Case{"%ROUTE_NAME%", "canary"},
           Case{"%UPSTREAM_CLUSTER%", "echo|v2|80"},
           Case{"%HOSTNAME%", "node-1"},
           Case{"%START_TIME%", "2023-11-14T22:13:20.042Z"},
           Case{"%REQ(x-user)%", "jason, eve"},
           Case{"%REQ(x-none?x-user)%", "jason, eve"},
           Case{"%REQ(:authority)%%REQ(:path)%", "shop.example.com/a?q=1"},
           Case{"%REQ(:method)% %REQ(:scheme)%", "GET http"},
           Case{"100%%", "100%"},
       }) {
    const auto head =
        edited(request("shop.example.com", "/a", "q=1", {{"X-User", "jason"}, {"x-user", "eve"}}),
               changes({{"x-out", c.written}}, {}, {}));
    EXPECT_EQ(head.headers.get("x-out"), c.becomes) << c.written;
  }
}

TEST(HeaderEdit, AVariableThatStandsForNothingWritesNothing) {
  EXPECT_EQ(fields(changes({{"x-user", "%REQ(x-none)%"}}, {{"x-more", "%UPSTREAM_HOST%"}}, {})),
            "Host: shop.example.com\nX-User: jason\nx-user: eve\n");
  EXPECT_EQ(fields(changes({{"x-user", ""}}, {}, {})), "Host: shop.example.com\nx-user: \n")
      << "an empty text is a value";
}

TEST(HeaderEdit, AnswersKnowTheAnswer) {
  const http::RequestHead asked = request("a", "/", "", {{"X-Trace", "t1"}});
  http::ResponseHead head;
  head.status = 207;
  head.headers.add("Server", "tomcat/9");
  const SocketAddress upstream = *SocketAddress::parse("10.0.0.5:8080");
  EditContext context;
  context.request = &asked;
  context.response = &head;
  context.upstream = &upstream;
  std::string scratch;
  HeaderEdit(changes({{"x-trace", "%REQ(x-trace)%"},
                      {"x-from", "%UPSTREAM_HOST%"},
                      {"x-was", "%RESPONSE_CODE% by %RESP(server)%"}},
                     {}, {}))
      .apply(head, context, scratch);
  HeaderEdit(changes({}, {}, {"server"})).apply(head, context, scratch);
  EXPECT_EQ(lines(head.headers), "x-trace: t1\nx-from: 10.0.0.5:8080\nx-was: 207 by tomcat/9\n");
}

}  // namespace
}  // namespace sluice::routing
