// SPDX-License-Identifier: Apache-2.0
#include "cli/options.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <map>
#include <string_view>

#include "agent/base/text.hpp"

namespace sluice::cli {
namespace {

constexpr std::array<std::string_view, 4> kCommands = {"status", "routes", "flows", "explain"};

constexpr const char* kExamples = R"(Examples:
  lbctl status                             is it up, what does it serve, what is wrong
  lbctl routes                             every route with its shares, wanted and realised
  lbctl explain GET http://shop.test/cart  which route takes this request, why not the others
  lbctl explain http://shop.test/ -H 'x-user: me'
                                           the same with a header field; GET is the default
  lbctl flows                              connections that the kernel carries by itself
  lbctl flows --follow                     each of them that starts, is taken back or ends
  lbctl flows move --endpoint 10.0.1.7     take those of a pod back, for their next request
  lbctl status -o json | jq .listeners     for scripts

Exit codes:
  0 fine, 1 the agent cannot be reached or refuses, 2 wrong usage,
  3 explain: the client would get an error from Sluice itself)";

// What the parser writes into, before it is put into Options.
struct Raw {
  Options options;
  std::string format = "table";
  std::vector<std::string> target;
  std::vector<std::string> headers;
};

void declare(CLI::App& app, Raw& raw, const std::string& version) {
  app.footer(kExamples);
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("-V,--version", "lbctl " + version, "Print the version and exit");
  app.add_option("--control", raw.options.socket, "The agent's control socket")
      ->envname("SLUICE_CONTROL")
      ->capture_default_str();
  app.add_option("-o,--output", raw.format, "table for people, json for programs")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  app.add_subcommand("status",
                     "Generation, listeners and tiers, interfaces, endpoints, maps, diagnostics");
  app.add_subcommand("routes",
                     "Every route: what it matches, where it leads, shares wanted and realised");
  CLI::App* flows =
      app.add_subcommand("flows", "Steered connections with packets and bytes per direction");
  CLI::Option* limit = flows->add_option("--limit", raw.options.limit,
                                         "At most so many flows (0: the agent's default, 1000)");
  flows
      ->add_flag("--follow", raw.options.follow,
                 "Print each that starts, is taken back or ends, until interrupted")
      ->excludes(limit);
  CLI::App* move = flows->add_subcommand(
      "move", "Take connections back: their next request is routed anew, like any other");
  CLI::Option* all = move->add_flag("--all", raw.options.all, "All of them");
  for (CLI::Option* side :
       {move->add_option("--client", raw.options.client, "Those of this ADDRESS[:PORT]"),
        move->add_option("--endpoint", raw.options.endpoint, "Those to this ADDRESS[:PORT]")}) {
    side->excludes(all);
  }
  CLI::App* explain = app.add_subcommand(
      "explain",
      "Walk one request through the routes: the match, near misses, shares, endpoints, tier");
  explain
      ->add_option("request", raw.target,
                   "[METHOD] URL, for example GET http://shop.example.com:8080/cart?id=7")
      ->required()
      ->expected(1, 2);
  explain
      ->add_option("-H,--header", raw.headers,
                   "A header field 'Name: value'; may be given several times")
      ->allow_extra_args(false);
}

Ending usage_error(const std::string& message, const std::string& command) {
  return {kExitUsage, "lbctl: " + message + "\nTry: lbctl " +
                          (command.empty() ? "" : command + " ") + "--help\n"};
}

// An unknown word where a command was expected gets the nearest command, not the parser's general
// complaint.
Ending parse_error(const CLI::App& app, const CLI::ParseError& error) {
  const auto used = app.get_subcommands();
  if (used.empty()) {
    for (const std::string& word : app.remaining()) {
      if (word.empty() || word.front() == '-') continue;
      const std::string near = closest(word, kCommands);
      return usage_error("unknown command \"" + word + "\"" +
                             (near.empty() ? "; commands: status, routes, flows, explain"
                                           : "; did you mean \"" + near + "\"?"),
                         "");
    }
    if (app.remaining().empty() && error.get_name() == "RequiredError") {
      return {kExitUsage, app.help()};
    }
  }
  return usage_error(error.what(), used.empty() ? "" : used.front()->get_name());
}

std::variant<Options, Ending> finish_move(const Options& options) {
  if (options.all || !options.client.empty() || !options.endpoint.empty()) return options;
  return usage_error("say which: --client, --endpoint or --all", "flows move");
}

std::variant<Options, Ending> finish_explain(Raw& raw) {
  raw.options.method = raw.target.size() == 2 ? raw.target[0] : "GET";
  raw.options.url = raw.target.back();
  for (const std::string& header : raw.headers) {
    const std::size_t colon = header.find(':');
    if (colon == 0 || colon == std::string::npos) {
      return usage_error("-H \"" + header + "\": a header field is written 'Name: value'",
                         "explain");
    }
    raw.options.headers.emplace_back(header.substr(0, colon),
                                     std::string(trim(std::string_view(header).substr(colon + 1))));
  }
  return raw.options;
}

}  // namespace

std::variant<Options, Ending> parse_options(int argc, const char* const* argv,
                                            const std::string& version) {
  CLI::App app("lbctl asks the Sluice agent on this node what it does and why.", "lbctl");
  Raw raw;
  try {
    declare(app, raw, version);
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const auto used = app.get_subcommands();
    return Ending{kExitOk, used.empty() ? app.help() : used.front()->help()};
  } catch (const CLI::CallForVersion& call) {
    return Ending{kExitOk, std::string(call.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    return parse_error(app, error);
  } catch (const CLI::Error& error) {
    return usage_error(error.what(), "");
  }
  static const std::map<std::string, Command> kByName = {{"status", Command::kStatus},
                                                         {"routes", Command::kRoutes},
                                                         {"flows", Command::kFlows},
                                                         {"explain", Command::kExplain}};
  raw.options.command = kByName.at(app.get_subcommands().front()->get_name());
  raw.options.format = raw.format == "json" ? Format::kJson : Format::kTable;
  if (raw.options.command == Command::kExplain) return finish_explain(raw);
  if (app.got_subcommand("flows") && app.get_subcommand("flows")->got_subcommand("move")) {
    raw.options.command = Command::kMoveFlows;
    if (raw.options.follow) return usage_error("--follow and move exclude each other", "flows");
    return finish_move(raw.options);
  }
  if (raw.options.follow) raw.options.command = Command::kFollowFlows;
  return raw.options;
}

}  // namespace sluice::cli
