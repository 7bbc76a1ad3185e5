// SPDX-License-Identifier: Apache-2.0
// AccessRecord: what there is to say about one request once it is over, CarriedRecord about one connection that the
// kernel carried; AccessSink: who wants to know. Without a sink (WorkerOptions::access_sink) nothing is recorded and no
// clock is read.
// Callers: Stream and CarriedPolicy (fill, call). Thread: worker; a sink that several workers share must allow that.
// Invariants: the views are valid only during the call.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/clock.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/http/message.hpp"
#include "agent/proxy/worker_report.hpp"
#include "agent/routing/route_table.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::proxy {

struct AccessRecord {
  std::chrono::system_clock::time_point start;  // the head was complete
  SocketAddress peer;                           // who connected
  SocketAddress client;  // the peer, or whom trusted proxies name, with port 0 then
  SocketAddress local;   // where it connected to
  const http::RequestHead* request =
      nullptr;              // as filters left it: method, path, authority, fields
  std::string_view method;  // these three as the client sent them
  std::string_view path;    // with its query
  std::string_view authority;
  std::string_view request_id;  // X-Request-Id as it was forwarded; empty when there is none
  std::uint16_t status = 0;     // sent to the client; 0 = none
  std::string_view reason;      // of an answer of our own, or of an early end; empty otherwise
  std::optional<Ending> ending;
  std::uint64_t bytes_received = 0;  // body bytes from the client
  std::uint64_t bytes_sent = 0;      // body bytes to the client
  Nanoseconds total{0};
  Nanoseconds lb{0};  // from the head to the first byte for an endpoint: filters, pick, connecting
  Nanoseconds upstream{0};  // from then to the head of the answer
  const snapshot::Listener* listener = nullptr;
  const routing::Decision* route = nullptr;  // nullptr: none matched
  const snapshot::Share* share = nullptr;    // the subset; nullptr: none was picked
  std::optional<SocketAddress> endpoint;     // of the last attempt
  std::uint32_t attempts = 0;
  bool promoted =
      false;  // the kernel took the connection with this request: its answer is not seen here
};

// A connection that the kernel carried and carries no longer.
struct CarriedRecord {
  std::chrono::system_clock::time_point start;  // of the kernel's part
  SocketAddress client;
  SocketAddress endpoint;
  std::string_view cluster;  // Cluster::key; empty: not known any more
  std::string_view reason;   // of the end
  std::uint64_t requests = 0;
  std::uint64_t bytes_in = 0;  // on the wire: heads, and what was sent again
  std::uint64_t bytes_out = 0;
  Nanoseconds total{0};  // until its last packet
};

class AccessSink {
 public:
  virtual ~AccessSink() = default;
  // Whether a request that begins is to be recorded; called once for each, and for a connection whose promoted request
  // nobody here knows.
  [[nodiscard]] virtual bool wants() = 0;
  // Must not block.
  virtual void record(const AccessRecord& record) = 0;
  virtual void record(const CarriedRecord& record) = 0;
};

}  // namespace sluice::proxy
