// SPDX-License-Identifier: Apache-2.0
#include "agent/http/cookie.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::http {
namespace {

std::string find(const std::vector<std::string>& fields, std::string_view name) {
  HeaderMap headers;
  for (const std::string& field : fields) headers.add("cookie", field);
  const auto value = cookie(headers, name);
  return value ? std::string(*value) : "(none)";
}

TEST(Cookie, IsFoundByItsName) {
  EXPECT_EQ(find({"session=abc; theme=dark"}, "session"), "abc");
  EXPECT_EQ(find({"session=abc; theme=dark"}, "theme"), "dark");
  EXPECT_EQ(find({"session=abc;theme=dark"}, "theme"), "dark");
  EXPECT_EQ(find({"session=\"abc\""}, "session"), "abc") << "quotes are not part of the value";
  EXPECT_EQ(find({"a=1; a=2"}, "a"), "1") << "the first one counts";
  EXPECT_EQ(find({"a=b=c"}, "a"), "b=c");
  EXPECT_EQ(find({"a="}, "a"), "");
  EXPECT_EQ(find({"a=1", "b=2"}, "b"), "2") << "in any Cookie field";
}

TEST(Cookie, IsNotFoundByAnotherName) {
  EXPECT_EQ(find({"session=abc"}, "Session"), "(none)");
  EXPECT_EQ(find({"xsession=abc"}, "session"), "(none)");
  EXPECT_EQ(find({"session"}, "session"), "(none)");
  EXPECT_EQ(find({""}, "session"), "(none)");
  EXPECT_EQ(find({}, "session"), "(none)");
}

std::string written(const SetCookie& cookie) {
  std::string out;
  append_set_cookie(cookie, out);
  return out;
}

TEST(SetCookie, SaysWhatIstioDocuments) {
  const std::vector<std::pair<std::string, std::string>> strict{{"SameSite", "Strict"},
                                                                {"Secure", ""}};
  EXPECT_EQ(written({"user", "17", std::chrono::seconds(3600), "/shop", {}}),
            "user=17; Max-Age=3600; Path=/shop; HttpOnly");
  EXPECT_EQ(written({"user", "17", {}, {}, {}}), "user=17; HttpOnly") << "ttl 0: until it closes";
  EXPECT_EQ(written({"user", "17", {}, "/", strict}),
            "user=17; Path=/; SameSite=Strict; Secure; HttpOnly");
}

TEST(SetCookie, CannotBeUsedToWriteAnotherFieldOrAttribute) {
  EXPECT_EQ(written({"a", "1\r\nX-Other: 2", {}, "/; Domain=other", {}}),
            "a=1X-Other: 2; Path=/ Domain=other; HttpOnly");
}

}  // namespace
}  // namespace sluice::http
