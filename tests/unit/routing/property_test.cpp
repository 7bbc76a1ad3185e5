// SPDX-License-Identifier: Apache-2.0
// 10,000 random (configuration, request) pairs: the table, its explanation and a matcher that is as
// naive as the documentation reads all agree. The words are few, so that most requests hit something.
#include <algorithm>
#include <random>
#include <regex>

#include "agent/base/text.hpp"
#include "tests/unit/routing/builders.hpp"

namespace sluice::routing {
namespace {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t bound) { return engine_() % bound; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  std::string of(const std::vector<std::string>& words) { return words[below(words.size())]; }

 private:
  std::mt19937_64 engine_;
};

const std::vector<std::string> kDomains = {"*",          "a.test", "b.a.test", "*.a.test",
                                           "*.b.a.test", "*.test", "[::1]"};
const std::vector<std::string> kHosts = {"a.test",          "A.TEST:80", "b.a.test.",
                                         "c.B.a.test:8080", "x.test",    "other",
                                         "[::1]:80",        "",          ".a.test"};
const std::vector<std::string> kPaths = {"/", "/a", "/A", "/a/b", "/a/bc", "/b", "/ab", "*", ""};
const std::vector<std::string> kPathPatterns = {"/.*", "/a(/b)?", "/[ab]+", ".*", "/a/.*c"};
const std::vector<std::string> kValues = {"", "1", "12", "2", "a", "a,b", "b"};
const std::vector<std::string> kValuePatterns = {"1.*", "[0-9]+", "", "a,?b?", ".*"};
const std::vector<std::string> kMethods = {"GET", "POST", "OPTIONS"};
const std::vector<std::string> kNames = {"x-a", "x-b"};

model::StringMatch random_match(Random& random, const std::vector<std::string>& words,
                                const std::vector<std::string>& patterns) {
  switch (random.below(8)) {
    case 0:
      return {Kind::kPresent, ""};
    case 1:
      return {Kind::kRegex, random.of(patterns)};
    case 2:
    case 3:
    case 4:
      return {Kind::kPrefix, random.of(words)};
    default:
      return {Kind::kExact, random.of(words)};
  }
}

std::vector<model::NamedMatch> random_named(Random& random) {
  std::vector<model::NamedMatch> out;
  while (random.one_in(3)) {
    out.push_back({random.of(kNames), random_match(random, kValues, kValuePatterns)});
  }
  return out;
}

model::RouteMatch random_route_match(Random& random) {
  model::RouteMatch out;
  if (!random.one_in(4)) out.uri = random_match(random, kPaths, kPathPatterns);
  out.ignore_uri_case = random.one_in(3);
  if (random.one_in(6)) out.scheme = random_match(random, {"http", "https"}, {"https?"});
  if (random.one_in(4)) out.method = random_match(random, kMethods, {"GET|POST"});
  if (random.one_in(6)) out.authority = random_match(random, kHosts, {"a.*"});
  out.headers = random_named(random);
  if (random.one_in(3)) out.without_headers = random_named(random);
  if (random.one_in(2)) out.query_params = random_named(random);
  if (random.one_in(8)) out.port = random.one_in(2) ? 80 : 8080;
  return out;
}

std::vector<model::VirtualHost> random_config(Random& random) {
  std::vector<model::VirtualHost> out(1 + random.below(4));
  for (auto& host : out) {
    host.name = "vh" + std::to_string(&host - out.data());
    do {
      host.domains.push_back(random.of(kDomains));
    } while (random.one_in(2));
    // Some long enough for the index.
    host.routes.resize(random.one_in(3) ? 20 + random.below(20) : 1 + random.below(4));
    for (auto& route : host.routes) {
      while (!random.one_in(3)) route.matches.push_back(random_route_match(random));
      if (route.matches.empty() && !random.one_in(4)) {
        route.matches.push_back(random_route_match(random));
      }
    }
  }
  return out;
}

http::RequestHead random_request(Random& random) {
  std::string query;
  while (random.one_in(2)) {
    query += (query.empty() ? "" : "&") + random.of(kNames) +
             (random.one_in(5) ? "" : "=" + random.of(kValues));
  }
  auto head = request(random.of(kHosts), random.of(kPaths), query);
  head.method = random.of(kMethods);
  while (random.one_in(2)) {
    head.headers.add(random.one_in(2) ? random.of(kNames) : "X-A", random.of(kValues));
  }
  return head;
}

// --- The naive matcher: copies and loops, written from the documentation and not from the code.

bool naive_text(const model::StringMatch& match, std::optional<std::string> text, bool fold) {
  if (!text) return false;
  if (match.kind == Kind::kPresent) return true;
  if (match.kind == Kind::kRegex) return std::regex_match(*text, std::regex(match.value));
  const std::string a = fold ? to_lower(*text) : *text;
  const std::string b = fold ? to_lower(match.value) : match.value;
  return match.kind == Kind::kExact ? a == b : a.substr(0, b.size()) == b;
}

std::optional<std::string> naive_header(const http::RequestHead& head, const std::string& name) {
  std::optional<std::string> out;
  for (std::size_t i = 0; i < head.headers.size(); ++i) {
    if (to_lower(head.headers.at(i).name) != name) continue;
    out = out ? *out + "," + std::string(head.headers.at(i).value)
              : std::string(head.headers.at(i).value);
  }
  return out;
}

std::optional<std::string> naive_query(const http::RequestHead& head, const std::string& name) {
  std::string rest = head.query + "&";
  while (!rest.empty()) {
    const std::string pair = rest.substr(0, rest.find('&'));
    rest.erase(0, pair.size() + 1);
    if (pair == name) return "";
    if (pair.rfind(name + "=", 0) == 0) return pair.substr(name.size() + 1);
  }
  return std::nullopt;
}

bool naive_match(const model::RouteMatch& match, const http::RequestHead& head) {
  const bool everything = match.uri && match.uri->kind == Kind::kPrefix && match.uri->value == "/";
  if (match.uri && !everything && !naive_text(*match.uri, head.path, match.ignore_uri_case)) {
    return false;
  }
  if (match.scheme && !naive_text(*match.scheme, head.scheme, false)) return false;
  if (match.method && !naive_text(*match.method, head.method, false)) return false;
  std::optional<std::string> authority;
  if (!head.authority.empty()) authority = head.authority;
  if (match.authority && !naive_text(*match.authority, authority, false)) return false;
  for (const auto& [name, wanted] : match.headers) {
    if (!naive_text(wanted, naive_header(head, name), false)) return false;
  }
  for (const auto& [name, wanted] : match.without_headers) {
    if (naive_text(wanted, naive_header(head, name), false)) return false;
  }
  for (const auto& [name, wanted] : match.query_params) {
    if (!naive_text(wanted, naive_query(head, name), false)) return false;
  }
  return !match.port || *match.port == 80;
}

std::string naive_domain(const std::vector<model::VirtualHost>& hosts, std::string authority) {
  std::string host = to_lower(std::regex_replace(authority, std::regex(":[0-9]+$"), ""));
  if (host.size() > 1 && host.back() == '.') host.pop_back();
  std::string best;
  for (const auto& virtual_host : hosts) {
    for (const auto& domain : virtual_host.domains) {
      if (domain == host) return domain;
      const bool any = domain == "*" && best.empty();
      const std::string suffix = domain.substr(1);
      const bool wildcard = domain[0] == '*' && domain != "*" && host.size() > suffix.size() &&
                            host.substr(host.size() - suffix.size()) == suffix;
      if (any || (wildcard && domain.size() > best.size())) best = domain;
    }
  }
  return best;
}

// "virtual host/route/match", or "404".
std::string naive(const std::vector<model::VirtualHost>& hosts, const http::RequestHead& head) {
  const std::string domain = naive_domain(hosts, head.authority);
  for (const auto& host : hosts) {
    if (std::find(host.domains.begin(), host.domains.end(), domain) == host.domains.end()) continue;
    for (std::size_t r = 0; r < host.routes.size(); ++r) {
      const auto& matches = host.routes[r].matches;
      if (matches.empty()) return host.name + "/" + std::to_string(r) + "/-1";
      for (std::size_t m = 0; m < matches.size(); ++m) {
        if (naive_match(matches[m], head)) {
          return host.name + "/" + std::to_string(r) + "/" + std::to_string(m);
        }
      }
    }
  }
  return "404";
}

std::string render(const std::optional<Decision>& decision) {
  if (!decision) return "404";
  return decision->virtual_host->name + "/" +
         std::to_string(decision->route - decision->virtual_host->routes.data()) + "/" +
         std::to_string(decision->match_index);
}

TEST(Property, TableExplanationAndNaiveMatcherAgree) {
  std::size_t matches = 0;
  std::size_t misses = 0;
  for (std::uint64_t round = 0; round < 1000; ++round) {
    Random random(round);
    const auto config = random_config(random);
    const RouteTable table = compile(config);
    for (int i = 0; i < 10; ++i) {
      const auto head = random_request(random);
      const std::string expected = naive(config, head);
      const auto decision = table.match(head);
      const auto explanation = table.explain(head);
      ASSERT_EQ(render(decision), expected) << "seed " << round << " request " << i;
      ASSERT_EQ(render(explanation.decision), expected) << "seed " << round << " request " << i;
      if (decision) {
        ++matches;
        ASSERT_EQ(decision->route_id, explanation.decision->route_id);
        ASSERT_TRUE(std::ranges::binary_search(table.reachable(), decision->route_id));
      } else {
        ++misses;
        ASSERT_FALSE(table.total()) << "seed " << round << " request " << i;
      }
    }
  }
  EXPECT_GT(matches, 2000U);  // the pairs are neither all hits nor all misses
  EXPECT_GT(misses, 1000U);
}

}  // namespace
}  // namespace sluice::routing
