// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/action/redirect.hpp"

#include <gmock/gmock.h>

#include "tests/unit/routing/builders.hpp"

namespace sluice::routing {
namespace {

using PathKind = model::PathRewrite::Kind;
using Port = model::Redirect::Port;
using testing::HasSubstr;

std::string location(const Redirect& redirect, const http::RequestHead& head,
                     std::optional<std::string_view> prefix = "/") {
  std::string out;
  redirect.append_location({head, prefix, "http", *SocketAddress::parse("192.0.2.1:8080")}, out);
  return out;
}

std::string location(const model::Redirect& redirect, const http::RequestHead& head,
                     std::optional<std::string_view> prefix = "/") {
  const auto compiled = Redirect::compile(redirect);
  return compiled ? location(*compiled, head, prefix) : compiled.error().message;
}

const http::RequestHead kRequest = request("shop.example.com:8080", "/cart/7", "all=1");

TEST(Redirect, EachFieldChangesItsPartOfTheUri) {
  EXPECT_EQ(location(model::Redirect{}, kRequest), "http://shop.example.com:8080/cart/7?all=1");
  EXPECT_EQ(location({.authority = "new.example.com"}, kRequest),
            "http://new.example.com/cart/7?all=1");
  EXPECT_EQ(location({.authority = "new.example.com:9000"}, kRequest),
            "http://new.example.com:9000/cart/7?all=1");
  EXPECT_EQ(location({.path = model::PathRewrite{PathKind::kWhole, "/basket"}}, kRequest),
            "http://shop.example.com:8080/basket?all=1");
  EXPECT_EQ(location({.path = model::PathRewrite{PathKind::kWhole, "/basket?x=y"}}, kRequest),
            "http://shop.example.com:8080/basket?x=y");
  EXPECT_EQ(location({.path = model::PathRewrite{PathKind::kPrefix, "/basket"}}, kRequest, "/cart"),
            "http://shop.example.com:8080/basket/7?all=1");
}

TEST(Redirect, AnotherSchemeHasAnotherPort) {
  EXPECT_EQ(location({.scheme = "https"}, kRequest), "https://shop.example.com/cart/7?all=1");
  EXPECT_EQ(location({.scheme = "http"}, kRequest), "http://shop.example.com:8080/cart/7?all=1");
  EXPECT_EQ(location({.scheme = "https", .port_from = Port::kFixed, .port = 8443}, kRequest),
            "https://shop.example.com:8443/cart/7?all=1");
}

TEST(Redirect, ThePortIsFixedOrDerived) {
  EXPECT_EQ(location({.port_from = Port::kFixed, .port = 81}, kRequest),
            "http://shop.example.com:81/cart/7?all=1");
  EXPECT_EQ(location({.port_from = Port::kProtocolDefault}, kRequest),
            "http://shop.example.com/cart/7?all=1");
  EXPECT_EQ(location({.authority = "new.example.com", .port_from = Port::kRequestPort}, kRequest),
            "http://new.example.com:8080/cart/7?all=1");
  EXPECT_EQ(location({.authority = "new.example.com:9000", .port_from = Port::kFixed, .port = 81},
                     kRequest),
            "http://new.example.com:81/cart/7?all=1");
}

TEST(Redirect, ADefaultPortIsNotWritten) {
  EXPECT_EQ(location({.port_from = Port::kFixed, .port = 80}, kRequest),
            "http://shop.example.com/cart/7?all=1");
  EXPECT_EQ(location({.scheme = "https", .port_from = Port::kFixed, .port = 443}, kRequest),
            "https://shop.example.com/cart/7?all=1");
  EXPECT_EQ(location({.scheme = "https", .port_from = Port::kFixed, .port = 80}, kRequest),
            "https://shop.example.com:80/cart/7?all=1");
}

TEST(Redirect, HostsMayBeAddresses) {
  EXPECT_EQ(location({.scheme = "https"}, request("[2001:db8::1]:8080", "/")),
            "https://[2001:db8::1]/");
  EXPECT_EQ(location({.port_from = Port::kFixed, .port = 81}, request("[2001:db8::1]", "/")),
            "http://[2001:db8::1]:81/");
}

TEST(Redirect, WithoutAHostItLeadsToTheAddressThatWasConnectedTo) {
  EXPECT_EQ(location({.scheme = "https"}, request("", "//evil.example.com/")),
            "https://192.0.2.1//evil.example.com/");
}

TEST(Redirect, OptionsForTheServerLeadsToItsRoot) {
  EXPECT_EQ(location({.authority = "new.example.com"}, request("a", "*")),
            "http://new.example.com/");
}

// Istio: Gateway servers[].tls.httpsRedirect.
TEST(Redirect, ToHttpsIsAPermanentOne) {
  EXPECT_EQ(location(Redirect::to_https(), kRequest), "https://shop.example.com/cart/7?all=1");
  EXPECT_EQ(Redirect::to_https().status(), 301);
}

TEST(Redirect, WhatIsWrongIsSaid) {
  EXPECT_THAT(location({.scheme = "ftp"}, kRequest), HasSubstr("write http or https"));
  EXPECT_THAT(location({.authority = "a b"}, kRequest), HasSubstr("write HOST or HOST:PORT"));
  EXPECT_THAT(location({.path = model::PathRewrite{PathKind::kWhole, "/\n"}}, kRequest),
              HasSubstr("percent-encoded"));
}

}  // namespace
}  // namespace sluice::routing
