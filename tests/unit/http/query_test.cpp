// SPDX-License-Identifier: Apache-2.0
#include "agent/http/query.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

TEST(Query, FindsAParameterByItsName) {
  struct Case {
    const char* query;
    const char* name;
    const char* value;  // "(none)": there is no such parameter
  };
  for (const Case& c : {
           Case{"a=1&b=2", "a", "1"},
           Case{"a=1&b=2", "b", "2"},
           Case{"a=1&a=2", "a", "1"},      // the first one counts
           Case{"a&b=2", "a", ""},         // present, without a value
           Case{"a=&b=2", "a", ""},        // the same
           Case{"a=b=c", "a", "b=c"},      // only the first '=' separates
           Case{"ab=1&b=2", "b", "2"},     // whole names
           Case{"A=1", "a", "(none)"},     // with case
           Case{"%61=1", "a", "(none)"},   // as written, not decoded
           Case{"a=%20+x", "a", "%20+x"},  // the same
           Case{"&&a=1&", "a", "1"},       // empty parameters are passed over
           Case{"", "a", "(none)"},
           Case{"b=2", "a", "(none)"},
       }) {
    const auto value = query_parameter(c.query, c.name);
    EXPECT_EQ(value ? std::string(*value) : "(none)", c.value) << c.query << " " << c.name;
  }
}

}  // namespace
}  // namespace sluice::http
