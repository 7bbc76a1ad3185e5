// SPDX-License-Identifier: Apache-2.0
#include "fake_agent.hpp"

#include <google/protobuf/text_format.h>

#include <fstream>
#include <sstream>
#include <string>

namespace sluice::test {
namespace {

// Replies are protobuf text files beside the expected output: what goes in and what comes out can
// be read side by side.
template <typename Reply>
Result<Reply> read_reply(const std::string& name) {
  const std::string path =
      std::string(SLUICE_SOURCE_DIR) + "/tests/unit/cli/golden/" + name + ".textproto";
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  Reply reply;
  if (!file || !google::protobuf::TextFormat::ParseFromString(text.str(), &reply)) {
    return fail(ErrorCode::kNotFound, "cannot read " + path);
  }
  return reply;
}

}  // namespace

Result<control::v1::StatusReply> FakeAgent::status() {
  return read_reply<control::v1::StatusReply>("status");
}

Result<control::v1::RoutesReply> FakeAgent::routes() {
  return read_reply<control::v1::RoutesReply>("routes");
}

Result<control::v1::FlowsReply> FakeAgent::flows(const control::v1::FlowsRequest& request) {
  auto reply = read_reply<control::v1::FlowsReply>("flows");
  if (reply && request.limit() > 0) {
    while (reply->flows_size() > static_cast<int>(request.limit()))
      reply->mutable_flows()->RemoveLast();
  }
  return reply;
}

// The path of the URL names the answer; the request's header fields come back as near misses'
// values.
Result<control::v1::ExplainReply> FakeAgent::explain(const control::v1::ExplainRequest& request) {
  const std::string& url = request.url();
  auto reply = read_reply<control::v1::ExplainReply>("explain_" + url.substr(url.rfind('/') + 1));
  if (reply && !request.headers().empty() && reply->near_misses_size() > 0) {
    reply->mutable_near_misses(0)->set_got(request.headers(0).value());
  }
  return reply;
}

// Knows one client and one endpoint.
Result<control::v1::MoveFlowsReply> FakeAgent::move_flows(
    const control::v1::MoveFlowsRequest& request) {
  control::v1::MoveFlowsReply reply;
  if (request.all()) {
    reply.set_asked(1'204);
    reply.set_workers_silent(1);
  } else if (request.client() == "192.0.2.7" || request.endpoint() == "10.0.1.7:80") {
    reply.set_asked(1);
  } else if (request.client() == "nonsense") {
    return fail(ErrorCode::kInvalid, "client \"nonsense\" is no address");
  }
  return reply;
}

// Has events for the second question, and ends then.
Result<control::v1::FlowEventsReply> FakeAgent::flow_events(
    const control::v1::FlowEventsRequest& request) {
  control::v1::FlowEventsReply reply;
  reply.set_last(1);
  if (request.after() == 0) return reply;
  if (request.after() == 1) return read_reply<control::v1::FlowEventsReply>("flow_events");
  return fail(ErrorCode::kUnavailable, "it ends");
}

}  // namespace sluice::test
