// SPDX-License-Identifier: Apache-2.0
// Cors: which origins may read answers of a route, and the answers to their preflights (Istio CorsPolicy, Fetch
// standard 3.2). Part of Actions, called by the proxy's filters. Thread: any (const).
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/http/message.hpp"
#include "agent/model/action.hpp"
#include "agent/routing/regex.hpp"

namespace sluice::routing {

class Cors {
 public:
  static Result<Cors> compile(const model::Cors& cors, RegexPool& pool);

  enum class Verdict : std::uint8_t {
    kForward,           // not answered here
    kPreflight,         // answer 200 with add_preflight_fields()
    kRefusedPreflight,  // answer 200 without them: the browser then sends nothing
  };
  [[nodiscard]] Verdict judge(const http::RequestHead& head) const;
  [[nodiscard]] bool allows(std::string_view origin) const;

  // "*" for methods or headers, which browsers do not take together with credentials, is then what `head` asks for.
  void add_preflight_fields(std::string_view origin, const http::RequestHead& head,
                            http::HeaderMap& headers) const;
  // For every answer of the route: what an allowed origin may see; for all, that the answer depends on the origin, so
  // that no cache gives one origin what was meant for another. `origin` empty: the request named none.
  void add_answer_fields(std::string_view origin, http::HeaderMap& headers) const;

 private:
  struct Origin {
    model::StringMatch match;
    std::shared_ptr<const Regex> regex;
  };
  void add_origin(std::string_view origin, http::HeaderMap& headers) const;

  std::vector<Origin> origins_;
  std::string methods_;  // as the answer lists them
  std::string headers_;
  std::string exposed_;
  std::string max_age_;
  bool any_origin_ = false;
  bool credentials_ = false;
  bool ignores_unmatched_ = false;
};

}  // namespace sluice::routing
