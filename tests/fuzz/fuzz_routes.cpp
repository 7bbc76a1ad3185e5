// SPDX-License-Identifier: Apache-2.0
// A configuration and a request, with a line `%%` between them: whatever translation lets through compiles, the matcher
// and its explanation agree, and what a route makes of a request is a request again, on one line a field. Thread: main.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string>

#include "agent/config/config.hpp"
#include "agent/http/h1_codec.hpp"
#include "agent/http/path.hpp"
#include "agent/routing/action/actions.hpp"
#include "agent/routing/route_table.hpp"

namespace sluice::routing {
namespace {

// So that a virtual service of one line a route is a configuration.
constexpr const char* kFrame = R"(
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: vm}
spec:
  hosts: [vm.example.com, copy.example.com]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 192.0.2.1}]
)";

void require(bool condition, std::source_location where = std::source_location::current()) {
  if (condition) return;
  std::fprintf(stderr, "line %u of the fuzz target does not hold\n", where.line());
  std::abort();
}

bool one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void check_actions(const Decision& decision, http::RequestHead head) {
  if (decision.actions == nullptr) return;
  const Actions& actions = *decision.actions;
  const auto prefix = matched_prefix(*decision.route, decision.match_index);
  std::string scratch;
  if (actions.redirect) {
    std::string location;
    actions.redirect->append_location({head, prefix, "http", {}}, location);
    require(one_line(location) && location.starts_with("http"));
  }
  const bool path = head.path.starts_with('/');
  const bool rewritten = actions.rewrite && actions.rewrite->apply(prefix, head, scratch);
  require(!rewritten || !path || head.path.starts_with('/'));
  EditContext context;
  const http::RequestHead seen = head;
  context.request = &seen;
  actions.edits.request.apply(head, context, scratch);
  for (const Actions::Destination& to : actions.destinations) {
    to.edits.request.apply(head, context, scratch);
  }
  require(one_line(head.path) && one_line(head.query) && one_line(head.authority));
  for (std::size_t i = 0; i < head.headers.size(); ++i) {
    require(one_line(head.headers.at(i).name) && one_line(head.headers.at(i).value));
  }
  http::ResponseHead answer;
  context.response = &answer;
  actions.edits.response.apply(answer, context, scratch);
  const std::string origin(seen.headers.get("Origin").value_or(""));
  if (actions.cors) actions.cors->add_answer_fields(origin, answer.headers);
  for (std::size_t i = 0; i < answer.headers.size(); ++i) {
    require(one_line(answer.headers.at(i).name) && one_line(answer.headers.at(i).value));
  }
}

void ask(const RouteTable& table, const http::RequestHead& head) {
  const auto decision = table.match(head);
  const Explanation explanation = table.explain(head);
  require(decision.has_value() == explanation.decision.has_value());
  if (!decision) {
    require(!table.total());
    return;
  }
  require(decision->route == explanation.decision->route &&
          decision->match_index == explanation.decision->match_index);
  check_actions(*decision, head);
}

void check(const model::Listener& listener, const std::string& request) {
  const auto table = RouteTable::compile(listener.virtual_hosts, listener.port);
  require(table.has_value());  // translation reports what does not compile
  RegexPool pool;
  for (const auto& host : listener.virtual_hosts) {
    for (const model::Route& route : host->routes) {
      const auto actions = Actions::compile(*host, route, pool);
      require(!actions || actions->broken.empty());
    }
  }
  http::H1RequestParser parser;
  if (parser.next(request).event != http::H1Event::kHead) return;
  for (const auto form : {http::PathForm::kAsReceived, http::PathForm::kBase,
                          http::PathForm::kDecodeAndMergeSlashes}) {
    http::RequestHead head = parser.head();
    const auto change = http::normalize_path(head.path, form);
    if (*http::reason_of(change) == '\0') ask(*table, head);
  }
}

}  // namespace
}  // namespace sluice::routing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto cut = text.find("\n%%\n");
  if (cut == std::string::npos) return 0;
  config::TranslateOptions options{.gateway_labels = {{"istio", "ingressgateway"}}};
  options.check_regex = [](std::string_view pattern) { return routing::check_regex(pattern); };
  options.check_rewrite = [](std::string_view pattern, std::string_view substitution) {
    return routing::check_rewrite(pattern, substitution);
  };
  config::Translator translator(options);
  const auto translation =
      translator.load_texts({{"a.yaml", routing::kFrame}, {"b.yaml", text.substr(0, cut)}});
  std::string request;
  for (const char c : text.substr(cut + 4)) {
    if (c == '\n') request.push_back('\r');  // so that a corpus can be read and written by hand
    request.push_back(c);
  }
  for (const model::Listener& listener : translation.world.listeners) {
    if (listener.protocol == "HTTP") routing::check(listener, request);
  }
  return 0;
}
