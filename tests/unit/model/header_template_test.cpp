// SPDX-License-Identifier: Apache-2.0
#include "agent/model/header_template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice::model {
namespace {

using Kind = ValuePiece::Kind;
using Pieces = std::vector<ValuePiece>;
using testing::HasSubstr;

Pieces parsed(std::string_view text) {
  auto pieces = parse_header_value(text);
  EXPECT_TRUE(pieces) << text << ": " << (pieces ? "" : pieces.error().message);
  return pieces ? *pieces : Pieces{};
}

std::string refused(std::string_view text) {
  const auto pieces = parse_header_value(text);
  EXPECT_FALSE(pieces) << text;
  return pieces ? "" : pieces.error().message;
}

TEST(HeaderTemplate, TextIsText) {
  EXPECT_EQ(parsed("v1"), (Pieces{{Kind::kLiteral, "v1", ""}}));
  EXPECT_EQ(parsed(""), Pieces{});
  EXPECT_EQ(parsed("a\tb"), (Pieces{{Kind::kLiteral, "a\tb", ""}}));
}

TEST(HeaderTemplate, TwoPercentSignsAreOne) {
  EXPECT_EQ(parsed("100%%"), (Pieces{{Kind::kLiteral, "100%", ""}}));
  EXPECT_EQ(parsed("%%REQ(x)%%"), (Pieces{{Kind::kLiteral, "%REQ(x)%", ""}}));
}

TEST(HeaderTemplate, VariablesStandBetweenPercentSigns) {
  EXPECT_EQ(parsed("for=%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%;proto=%PROTOCOL%"),
            (Pieces{{Kind::kLiteral, "for=", ""},
                    {Kind::kClientIp, "", ""},
                    {Kind::kLiteral, ";proto=", ""},
                    {Kind::kProtocol, "", ""}}));
}

TEST(HeaderTemplate, AHeaderIsNamedInAnyCaseAndMayHaveAnAlternative) {
  EXPECT_EQ(parsed("%REQ(X-User)%"), (Pieces{{Kind::kRequestHeader, "x-user", ""}}));
  EXPECT_EQ(parsed("%REQ(x-user?X-Guest)%"), (Pieces{{Kind::kRequestHeader, "x-user", "x-guest"}}));
  EXPECT_EQ(parsed("%RESP(server)%"), (Pieces{{Kind::kResponseHeader, "server", ""}}));
  EXPECT_EQ(parsed("%REQ(:authority)%"), (Pieces{{Kind::kRequestHeader, ":authority", ""}}));
}

TEST(HeaderTemplate, EveryVariableIsKnown) {
  for (const char* name :
       {"DOWNSTREAM_REMOTE_ADDRESS", "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
        "DOWNSTREAM_LOCAL_ADDRESS", "DOWNSTREAM_LOCAL_PORT", "PROTOCOL", "ROUTE_NAME",
        "UPSTREAM_HOST", "UPSTREAM_CLUSTER", "START_TIME", "RESPONSE_CODE", "HOSTNAME"}) {
    EXPECT_EQ(parsed("%" + std::string(name) + "%").size(), 1U) << name;
  }
}

TEST(HeaderTemplate, WhatIsWrongIsSaidWithWhatToWrite) {
  EXPECT_THAT(refused("50% off"), HasSubstr("write %% for a percent sign"));
  EXPECT_THAT(refused("%UPSTREAM_HOSTS%"), HasSubstr("did you mean %UPSTREAM_HOST%?"));
  EXPECT_THAT(refused("%QWXZ%"), HasSubstr("%QWXZ% is no variable; there are DOWNSTREAM_LOCAL"));
  EXPECT_THAT(refused("%REQ%"), HasSubstr("write %REQ(x-name)%"));
  EXPECT_THAT(refused("%REQ()%"), HasSubstr("is no header name"));
  EXPECT_THAT(refused("%REQ(a b)%"), HasSubstr("\"a b\" is no header name"));
  EXPECT_THAT(refused("%REQ(a?)%"), HasSubstr("is no header name"));
  EXPECT_THAT(refused("%RESP(:path)%"), HasSubstr("is no header name"));
  EXPECT_THAT(refused("%PROTOCOL(x)%"), HasSubstr("takes no argument"));
  EXPECT_THAT(refused("a\r\nX-Other: b"), HasSubstr("control character"));
  EXPECT_THAT(refused(std::string_view("a\0b", 3)), HasSubstr("control character"));
}

TEST(HeaderName, MostFieldsCanBeChanged) {
  for (const char* name : {"x-user", "X-User", "Server", "Host", ":authority", "x_1.2"}) {
    EXPECT_EQ(check_header_name(name), std::nullopt) << name;
  }
}

TEST(HeaderName, WhatFramesAMessageCannotBeChanged) {
  for (const char* name : {"Content-Length", "transfer-encoding", "Connection", "Upgrade", "TE"}) {
    EXPECT_THAT(check_header_name(name).value_or(""), HasSubstr("leave it out")) << name;
  }
  EXPECT_THAT(check_header_name(":path").value_or(""), HasSubstr("only :authority"));
  for (const char* name : {"", "a b", "a:", "a\r\n", "%REQ(a)%"}) {
    EXPECT_THAT(check_header_name(name).value_or(""), HasSubstr("is no header name")) << name;
  }
}

TEST(HeaderTemplate, IsWrittenAsItWasRead) {
  for (const char* text :
       {"plain", "100%% of %REQ(x-user?x-guest)%", "%RESP(a)%, %HOSTNAME%", ""}) {
    const auto pieces = parse_header_value(text);
    ASSERT_TRUE(pieces) << text;
    EXPECT_EQ(to_text(*pieces), text);
  }
}

}  // namespace
}  // namespace sluice::model
