// SPDX-License-Identifier: Apache-2.0
// `lbctl explain`: one request's way through the agent, told in the order in which the data path
// decides it.
#include <fmt/core.h>

#include <algorithm>

#include "cli/commands/commands.hpp"
#include "cli/commands/shares.hpp"
#include "cli/render/origin.hpp"
#include "cli/render/table.hpp"
#include "cli/render/units.hpp"

namespace sluice::cli {
namespace {

class Story {
 public:
  explicit Story(const Painter& paint) : paint_(paint) {}

  void title(const std::string& text) { out_ += paint_.paint(Style::kBold, clean(text)) + "\n\n"; }
  // One fact: a word in the margin, then what is so, then where that is written.
  void fact(const std::string& word, const std::string& text, const v1::Origin* origin = nullptr,
            Style style = Style::kPlain) {
    out_ += margin(word) + paint_.paint(style, clean(text));
    const std::string where = origin == nullptr ? "" : clean(location(*origin));
    if (!where.empty() && text.find(where) == std::string::npos) {
      out_ += "  " + paint_.paint(Style::kDim, where);
    }
    out_ += "\n";
  }
  void more(const std::string& text, Style style = Style::kPlain) {
    out_ += margin("") + paint_.paint(style, clean(text)) + "\n";
  }
  // The table's first line shares the line of the word.
  void block(const std::string& word, const Table& table) {
    std::string text = table.text(paint_, kMargin);
    text.replace(0, kMargin, margin(word));
    out_ += text;
  }
  void gap() { out_ += "\n"; }
  [[nodiscard]] std::string text() const { return out_; }

 private:
  static constexpr std::size_t kMargin = 15;
  [[nodiscard]] std::string margin(const std::string& word) const {
    return "  " + paint_.paint(Style::kDim, word) +
           std::string(kMargin - 2 - std::min(kMargin - 2, word.size()), ' ');
  }
  const Painter& paint_;
  std::string out_;
};

std::string route_title(const v1::ExplainReply& reply) {
  const std::string name = reply.route_name().empty() ? "" : " \"" + reply.route_name() + "\"";
  return fmt::format("{} #{}{}", reply.virtual_host(), reply.route_index(), name);
}

void tell_actions(Story& story, const v1::ExplainReply& reply) {
  for (const v1::Action& action : reply.actions()) {
    // The route's place was told already.
    const bool same = location(action.origin()) == location(reply.route_origin());
    story.fact(action.name(), action.text(), same ? nullptr : &action.origin());
  }
}

// One table for all destinations when they are treated alike.
Table policies_table(const v1::ExplainReply& reply) {
  Table table({{"DESTINATION"}, {"POLICY"}, {""}, {"FROM"}});
  const auto text_of = [](const v1::ClusterPolicy& policy) {
    std::string out = location(policy.origin());
    for (const v1::Setting& setting : policy.settings())
      out += setting.name() + ":" + setting.text();
    return out;
  };
  const bool alike = std::all_of(
      reply.policies().begin(), reply.policies().end(),
      [&](const v1::ClusterPolicy& each) { return text_of(each) == text_of(reply.policies(0)); });
  for (const v1::ClusterPolicy& policy : reply.policies()) {
    std::string who = alike && reply.policies_size() > 1 ? "all" : cluster_title(policy.cluster());
    std::string from = location(policy.origin());
    for (const v1::Setting& setting : policy.settings()) {
      table.row({who, setting.name(), setting.text(), Cell(from, Style::kDim)});
      who.clear();
      from.clear();
    }
    if (alike) break;
  }
  return table;
}

void tell_way(Story& story, const v1::ExplainReply& reply) {
  if (reply.listener().empty()) {
    story.fact("listener", "none serves this address and port", nullptr, Style::kBad);
    for (const std::string& name : reply.listeners()) story.more("the agent serves " + name);
    return;
  }
  story.fact("listener", reply.listener());
  if (!reply.path().empty()) story.fact("path", reply.path() + ", as it is matched and forwarded");
  if (!reply.domain().empty()) {
    story.fact("domain", reply.domain());
    return;
  }
  if (reply.outcome() != "404 no_route") return;  // it was not asked for
  story.fact("domain", "none: no virtual host of this listener has this host", nullptr,
             Style::kBad);
  for (const std::string& domain : reply.domains()) story.more("it knows " + domain);
}

void tell_near_misses(Story& story, const v1::ExplainReply& reply) {
  const char* word = "passed over";
  for (const v1::NearMiss& miss : reply.near_misses()) {
    story.fact(word, fmt::format("{} {}", miss.virtual_host(), miss.route()), &miss.origin());
    story.more(fmt::format("wants {}, got {}", miss.condition(),
                           miss.got().empty() ? "nothing" : miss.got()),
               Style::kWarn);
    word = "";
  }
  const auto shown = static_cast<std::uint32_t>(reply.near_misses_size());
  if (reply.near_misses_total() > shown) {
    story.more(fmt::format("and {} more", grouped(reply.near_misses_total() - shown)), Style::kDim);
  }
}

void tell_route(Story& story, const v1::ExplainReply& reply) {
  if (!reply.matched()) {
    if (!reply.domain().empty())
      story.fact("route", "none of this domain's routes matches", nullptr, Style::kBad);
    return;
  }
  story.fact("route", route_title(reply), &reply.route_origin(), Style::kGood);
  story.fact("because", reply.match().empty() ? "it takes every request" : reply.match(),
             &reply.match_origin());
}

Table endpoints_table(const v1::ExplainReply& reply) {
  Table table({{"ENDPOINT"}, {"STATE"}, {"NAME"}, {"DESTINATION"}});
  for (const v1::ClusterStatus& cluster : reply.clusters()) {
    if (cluster.endpoints().empty()) {
      table.row({"-", Cell("none", Style::kBad), "", cluster_title(cluster.key())});
    }
    for (const v1::EndpointStatus& endpoint : cluster.endpoints()) {
      table.row({endpoint.address(), endpoint_state(endpoint), endpoint.name(),
                 cluster_title(cluster.key())});
    }
  }
  return table;
}

void tell_destination(Story& story, const v1::ExplainReply& reply) {
  if (!reply.shares().empty()) {
    story.gap();
    story.block("shares", shares_table(reply.shares()));
  }
  if (!reply.clusters().empty()) {
    story.gap();
    story.block("endpoints", endpoints_table(reply));
  }
  if (!reply.policies().empty()) {
    story.gap();
    story.block("policy", policies_table(reply));
  }
}

void tell_tier(Story& story, const v1::ExplainReply& reply) {
  if (reply.tier().empty()) return;
  const bool kernel = reply.tier() == "connection";
  story.gap();
  story.fact("tier",
             kernel ? "connection: the agent decides once, then the kernel moves the bytes"
                    : "request: the agent handles every request",
             nullptr, kernel ? Style::kGood : Style::kPlain);
  if (!reply.tier_reason().empty()) {
    story.fact("because", fmt::format("{} [{}]", reply.tier_reason(), reply.tier_code()),
               &reply.tier_origin());
  }
}

void tell_outcome(Story& story, const v1::ExplainReply& reply) {
  const bool routed = reply.outcome() == "routed";
  std::string text = "routed";
  if (reply.outcome() == "no_listener") {
    text = "no connection: nothing of this agent listens there";
  } else if (reply.outcome() == "no_tcp_route" || reply.outcome() == "no_endpoint") {
    text = "the connection is closed: " + reply.outcome();
  } else if (!routed) {
    text = "the client gets " + reply.outcome();
  }
  story.fact("outcome", fmt::format("{} (generation {})", text, reply.generation()), nullptr,
             routed ? Style::kGood : (served(reply) ? Style::kPlain : Style::kBad));
}

}  // namespace

bool served(const v1::ExplainReply& reply) {
  const std::string& outcome = reply.outcome();
  return outcome == "routed" || outcome.ends_with(" redirect") ||
         outcome.ends_with(" direct_response") || outcome.ends_with(" cors_preflight");
}

std::string render_explain(const v1::ExplainRequest& request, const v1::ExplainReply& reply,
                           const Painter& paint) {
  Story story(paint);
  story.title(request.method() + " " + request.url());
  for (const v1::Header& header : request.headers()) {
    story.fact("with", header.name() + ": " + header.value());
  }
  tell_way(story, reply);
  tell_near_misses(story, reply);
  tell_route(story, reply);
  tell_actions(story, reply);
  tell_destination(story, reply);
  tell_tier(story, reply);
  story.gap();
  tell_outcome(story, reply);
  return story.text();
}

}  // namespace sluice::cli
