// SPDX-License-Identifier: Apache-2.0
// Runs the files of tests/http/table: each section is a test of a worker with real sockets on loopback, whose
// configuration went through the translator and snapshot::build. Thread: main.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "agent/base/text.hpp"
#include "agent/config/config.hpp"
#include "agent/net/socket.hpp"
#include "agent/proxy/worker.hpp"
#include "agent/routing/route_table.hpp"
#include "agent/snapshot/snapshot.hpp"
#include "tests/http/table/case_file.hpp"
#include "tests/http/table/endpoints.hpp"

namespace sluice::table {
namespace {

using proxy::testing::Message;
using proxy::testing::Peer;

// What every section has: a gateway, two versions of one service, another service, one that cannot be reached.
constexpr const char* kGateway = R"(---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gateway}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: $PORT, name: http, protocol: HTTP}, hosts: ["*"]}]
)";

constexpr const char* kServices = R"(---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: reviews}
spec:
  hosts: [reviews.test]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints:
    - {address: 127.0.0.1, ports: {http: $V1}, labels: {version: v1}}
    - {address: 127.0.0.1, ports: {http: $V2}, labels: {version: v2}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec:
  host: reviews.test
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: other}
spec:
  hosts: [other.test]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 127.0.0.1, ports: {http: $OTHER}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: silent}
spec:
  hosts: [silent.test]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 127.0.0.1, ports: {http: $SILENT}}]
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Service, metadata: {name: v1}, spec: {ports: [{port: 80}]}}
  - {apiVersion: v1, kind: Service, metadata: {name: v2}, spec: {ports: [{port: 80}]}}
  - apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata: {name: v1, labels: {kubernetes.io/service-name: v1}}
    addressType: IPv4
    ports: [{port: $V1}]
    endpoints: [{addresses: [127.0.0.1]}]
  - apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata: {name: v2, labels: {kubernetes.io/service-name: v2}}
    addressType: IPv4
    ports: [{port: $V2}]
    endpoints: [{addresses: [127.0.0.1]}]
  - apiVersion: gateway.networking.k8s.io/v1
    kind: GatewayClass
    metadata: {name: sluice}
    spec: {controllerName: sluice.dev/gateway-controller}
)";

constexpr const char* kVirtualService = R"(---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: test}
spec:
  hosts: ["*"]
  gateways: [gateway]
  http:
)";

void replace_all(std::string& text, std::string_view what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
}

std::string config_text(const Section& section) {
  const auto has = [&](std::string_view text) {
    return section.config.find(text) != std::string::npos;
  };
  return std::string(kServices) + (has("kind: Gateway") ? "" : kGateway) +
         (has("apiVersion:") ? "---\n" : kVirtualService) + section.config;
}

class TableTest : public ::testing::Test {
 public:
  explicit TableTest(Section section) : section_(std::move(section)) {}

  void TestBody() override {
    start();
    if (HasFatalFailure()) return;
    Peer client = Peer::connect(address_);
    for (std::size_t i = 0; i < section_.turns.size() && !HasFailure(); ++i) {
      SCOPED_TRACE("exchange " + std::to_string(i + 1) + ": " +
                   section_.turns[i].request.substr(0, section_.turns[i].request.find('\r')));
      run(section_.turns[i], client);
    }
    worker_->stop(Milliseconds(0));
  }

 private:
  void start() {
    auto socket = proxy::make_listening_socket(IpAddress::parse("127.0.0.1"), 0);
    ASSERT_TRUE(socket) << socket.error().message;
    address_ = net::local_address(socket->get());
    const snapshot::SnapshotPtr snapshot = make_snapshot();
    ASSERT_NE(snapshot, nullptr);
    auto worker = proxy::Worker::create(options_, clock_, nullptr);
    ASSERT_TRUE(worker) << worker.error().message;
    worker_ = std::move(*worker);
    worker_->start();
    worker_->publish(snapshot);
    worker_->add_listening_socket(std::move(*socket));
  }

  void set_flag(const std::string& name, const std::string& value) {
    if (name == "--trusted-hops") {
      options_.trust.hops = static_cast<std::uint32_t>(std::stoul(value));
    } else if (name == "--trusted-cidrs") {
      options_.trust.cidrs.push_back(IpPrefix::parse(value).value());
    } else if (name == "--via") {
      options_.via = value;
    } else if (name == "--server-header") {
      options_.server_header = value;
    } else if (name == "--node-name") {
      options_.node_name = value;
    } else {
      FAIL() << "no such flag in a table: " << name;
    }
  }

  snapshot::SnapshotPtr make_snapshot() {
    for (const auto& [name, value] : section_.flags) set_flag(name, value);
    std::string text = config_text(section_);
    replace_all(text, "$PORT", std::to_string(address_.port));
    replace_all(text, "$V1", std::to_string(endpoints_.port("v1")));
    replace_all(text, "$V2", std::to_string(endpoints_.port("v2")));
    replace_all(text, "$OTHER", std::to_string(endpoints_.port("other")));
    replace_all(text, "$SILENT", std::to_string(silent_.address().port));
    config::Translator translator({.gateway_labels = {{"istio", "ingressgateway"}}});
    const config::Translation translation = translator.load_texts({{"table.yaml", text}});
    for (const model::Diagnostic& diagnostic : translation.diagnostics) {
      if (diagnostic.code == "backend_not_found") continue;  // a section says what comes of it
      ADD_FAILURE() << model::location(diagnostic.origin) << ": " << diagnostic.message;
    }
    auto built = snapshot::build(translation.world, 1, nullptr, {});
    if (built) return *built;
    ADD_FAILURE() << built.error().message;
    return nullptr;
  }

  void compare(const Expectation& wanted, const Message& got, const std::string& who) const {
    EXPECT_EQ(got.start, wanted.start) << who;
    for (const auto& [name, written] : wanted.fields) {
      std::string value = written;
      replace_all(value, "$PORT", std::to_string(address_.port));
      const bool absent = name.front() == '-';
      const std::string_view plain = absent ? std::string_view(name).substr(1) : name;
      const bool found = std::ranges::any_of(got.fields, [&](const auto& field) {
        return equals_ignore_case(field.first, plain) &&
               (absent || value == "*" || field.second == value);
      });
      std::string all;
      for (const auto& field : got.fields) all += field.first + ": " + field.second + "\n";
      EXPECT_NE(found, absent) << who << ": " << name << ": " << value << " in\n" << all;
    }
    EXPECT_TRUE(!wanted.has_body || got.body == wanted.body) << who << ": " << got.body;
  }

  // Requests of mirrors come in any order, so each expectation looks for its own.
  void check_endpoints(const Turn& turn) {
    std::vector<Endpoints::Asked> asked = endpoints_.asked(turn.received.size());
    if (turn.nothing || !turn.received.empty()) {
      ASSERT_EQ(asked.size(), turn.received.size()) << "requests that reached endpoints";
    }
    for (const Expectation& wanted : turn.received) {
      const auto found = std::ranges::find_if(asked, [&](const Endpoints::Asked& each) {
        return wanted.to.empty() || each.name == wanted.to;
      });
      ASSERT_NE(found, asked.end()) << "nothing came to " << wanted.to;
      if (!wanted.start.empty()) compare(wanted, found->request, "at " + found->name);
      asked.erase(found);
    }
  }

  void run(const Turn& turn, Peer& client) {
    endpoints_.begin_turn(turn.answer);
    ASSERT_TRUE(client.send(turn.request));
    for (const Expectation& wanted : turn.answered) {
      const auto got = client.read_message(turn.head_method);
      ASSERT_TRUE(got) << "no answer";
      compare(wanted, *got, "at the client");
    }
    check_endpoints(turn);
  }

  Section section_;
  const SteadyClock clock_;
  proxy::WorkerOptions options_;
  Endpoints endpoints_{{"v1", "v2", "other"}};
  SilentEndpoint silent_;
  SocketAddress address_;
  std::unique_ptr<proxy::Worker> worker_;
};

// Every file is a suite, every section a test.
bool register_all() {
  const std::filesystem::path folder(SLUICE_SOURCE_DIR "/tests/http/table");
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const bool cases = entry.path().extension() == ".md" && entry.path().stem() != "README";
    if (cases) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    for (const Section& section : read_case_file(file)) {
      std::string name = section.name;
      std::ranges::replace_if(
          name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
      ::testing::RegisterTest(file.stem().c_str(), name.c_str(), nullptr, nullptr, file.c_str(), 1,
                              [section]() -> ::testing::Test* { return new TableTest(section); });
    }
  }
  return true;
}

const bool kRegistered = register_all();

TEST(Table, HasCases) {
  EXPECT_TRUE(kRegistered);
  EXPECT_GT(::testing::UnitTest::GetInstance()->total_test_count(), 20);
}

}  // namespace
}  // namespace sluice::table
