// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/action/actions.hpp"

#include <algorithm>

namespace sluice::routing {
namespace {

// FNV-1a: stable from build to build, and spread well enough over the routes of one agent.
void mix(std::string_view text, std::uint64_t& hash) {
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ULL;
  hash = (hash ^ 0xff) * 0x100000001b3ULL;
}

std::uint64_t id_of(const model::VirtualHost& host, const model::Route& route) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  mix(host.name, hash);
  mix(route.name, hash);
  // Among routes without a name their place tells them apart.
  if (route.name.empty()) mix(std::to_string(&route - host.routes.data()), hash);
  return hash;
}

bool has_none(const model::Route& route) {
  const bool plain_destinations = std::ranges::all_of(
      route.destinations, [](const auto& destination) { return destination.headers == nullptr; });
  return plain_destinations && !route.redirect && !route.direct_response && !route.rewrite &&
         route.headers == nullptr && !route.fault && route.mirrors.empty() && !route.cors;
}

template <typename T>
void keep(Result<T> compiled, std::optional<T>& out, std::string& broken) {
  if (compiled) {
    out = std::move(*compiled);
  } else if (broken.empty()) {
    broken = std::move(compiled).error().message;
  }
}

HeaderEdits edits_of(const model::HeaderRulesPtr& rules) {
  if (rules == nullptr) return {};
  return {HeaderEdit(rules->request), HeaderEdit(rules->response)};
}

void compile_into(const model::Route& route, RegexPool& pool, Actions& out) {
  if (route.cors) keep(Cors::compile(*route.cors, pool), out.cors, out.broken);
  if (route.redirect) keep(Redirect::compile(*route.redirect), out.redirect, out.broken);
  if (route.rewrite) keep(Rewrite::compile(*route.rewrite), out.rewrite, out.broken);
  out.edits = edits_of(route.headers);
  for (const model::WeightedDestination& destination : route.destinations) {
    if (destination.headers == nullptr) continue;
    out.destinations.push_back({destination.cluster, edits_of(destination.headers)});
  }
}

}  // namespace

std::unique_ptr<const Actions> Actions::compile(const model::VirtualHost& host,
                                                const model::Route& route, RegexPool& pool) {
  if (has_none(route)) return nullptr;
  auto out = std::make_unique<Actions>();
  out->id = id_of(host, route);
  compile_into(route, pool, *out);
  return out;
}

const HeaderEdits* Actions::destination(std::string_view cluster) const {
  for (const Destination& destination : destinations) {
    if (destination.cluster == cluster) return &destination.edits;
  }
  return nullptr;
}

}  // namespace sluice::routing
