// SPDX-License-Identifier: Apache-2.0
// lbctl: one question to the agent, one answer on standard output, an exit code for scripts.
// Thread: main.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "cli/client/client.hpp"
#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/render/json.hpp"
#include "cli/render/units.hpp"

namespace sluice::cli {
namespace {

struct Answer {
  int exit_code = kExitOk;
  std::string text;
};

template <typename Reply, typename Render>
Result<Answer> answer(const Options& options, const Result<Reply>& reply, Render render,
                      int exit_code = kExitOk) {
  if (!reply) return tl::unexpected(reply.error());
  if (options.format == Format::kTable) return Answer{exit_code, render(*reply)};
  Result<std::string> json = to_json(*reply);
  if (!json) return tl::unexpected(json.error());
  return Answer{exit_code, *json};
}

Result<Answer> explain(Client& client, const Options& options, const Painter& paint) {
  v1::ExplainRequest request;
  request.set_method(options.method);
  request.set_url(options.url);
  for (const auto& [name, value] : options.headers) {
    v1::Header* header = request.add_headers();
    header->set_name(name);
    header->set_value(value);
  }
  const Result<v1::ExplainReply> reply = client.explain(request);
  if (reply && !reply->error().empty() && options.format == Format::kTable) {
    std::fprintf(stderr, "lbctl: %s\n", clean(reply->error()).c_str());
    return Answer{kExitUsage, ""};
  }
  int exit_code = reply && !served(*reply) ? kExitNotRouted : kExitOk;
  if (reply && !reply->error().empty()) exit_code = kExitUsage;
  return answer(
      options, reply, [&](const auto& r) { return render_explain(request, r, paint); }, exit_code);
}

// The agent keeps events for a while; so often a follower asks for those that came.
constexpr std::chrono::milliseconds kBetweenQuestions{200};

Result<std::string> lines_of(const v1::FlowEventsReply& reply, const Options& options,
                             const Painter& paint) {
  std::string out;
  for (const v1::FlowEvent& event : reply.events()) {
    if (options.format == Format::kTable) {
      out += render_event(event, paint);
      continue;
    }
    auto json = to_json_line(event);
    if (!json) return json;
    out += *json;
  }
  return out;
}

// Until the program is interrupted, the agent is gone or nobody reads any more.
Result<Answer> follow(Client& client, const Options& options, const Painter& paint) {
  v1::FlowEventsRequest request;
  for (;;) {
    const auto reply = client.flow_events(request);
    if (!reply) return tl::unexpected(reply.error());
    if (reply->lost() > 0) {
      std::fprintf(stderr, "lbctl: %s not kept for so long\n",
                   human_count(reply->lost(), "event was", "events were").c_str());
    }
    auto lines = lines_of(*reply, options, paint);
    if (!lines) return tl::unexpected(lines.error());
    if (std::fputs(lines->c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
      return fail_errno("cannot write", errno);
    }
    request.set_after(reply->last());
    std::this_thread::sleep_for(kBetweenQuestions);
  }
}

Result<Answer> ask(const Options& options) {
  Result<Client> client = Client::connect(options.socket);
  if (!client) return tl::unexpected(client.error());
  const Painter paint = Painter::for_stdout();
  switch (options.command) {
    case Command::kStatus:
      return answer(options, client->status(),
                    [&](const auto& r) { return render_status(r, paint); });
    case Command::kRoutes:
      return answer(options, client->routes(),
                    [&](const auto& r) { return render_routes(r, paint); });
    case Command::kFlows: {
      v1::FlowsRequest request;
      request.set_limit(options.limit);
      return answer(options, client->flows(request),
                    [&](const auto& r) { return render_flows(r, paint); });
    }
    case Command::kFollowFlows:
      return follow(*client, options, paint);
    case Command::kMoveFlows: {
      v1::MoveFlowsRequest request;
      request.set_client(options.client);
      request.set_endpoint(options.endpoint);
      request.set_all(options.all);
      return answer(options, client->move_flows(request),
                    [](const auto& r) { return render_move(r); });
    }
    case Command::kExplain:
      return explain(*client, options, paint);
  }
  return Answer{};
}

int run(int argc, const char* const* argv) {
  const auto parsed = parse_options(argc, argv, SLUICE_VERSION);
  if (const auto* ending = std::get_if<Ending>(&parsed)) {
    std::fputs(ending->text.c_str(), ending->exit_code == kExitOk ? stdout : stderr);
    return ending->exit_code;
  }
  const Result<Answer> result = ask(std::get<Options>(parsed));
  if (!result) {
    std::fprintf(stderr, "lbctl: %s\n", clean(result.error().message).c_str());
    return kExitError;
  }
  // A full disk or a closed pipe must not look like success.
  if (std::fputs(result->text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    std::perror("lbctl: cannot write the answer");
    return kExitError;
  }
  return result->exit_code;
}

}  // namespace
}  // namespace sluice::cli

int main(int argc, char** argv) { return sluice::cli::run(argc, argv); }
