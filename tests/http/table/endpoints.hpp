// SPDX-License-Identifier: Apache-2.0
// Endpoints: servers with names that answer as the turn says and keep what they were asked; SilentEndpoint: one that
// cannot be reached. Thread: any.
#pragma once
#include <sys/socket.h>

#include <condition_variable>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/net/socket.hpp"
#include "tests/integration/proxy/peer.hpp"

namespace sluice::table {

// Where connections are neither made nor refused: a full accept queue answers no SYN.
class SilentEndpoint {
 public:
  SilentEndpoint() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage storage{};
    const socklen_t size = SocketAddress{*IpAddress::parse("127.0.0.1"), 0}.to_sockaddr(storage);
    if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0 ||
        listen(listener_.get(), 0) != 0) {
      std::abort();
    }
    for (int i = 0; i < 4; ++i) fillers_.push_back(std::move(*net::connect_tcp(address())));
  }
  [[nodiscard]] SocketAddress address() const { return net::local_address(listener_.get()); }

 private:
  UniqueFd listener_;
  std::vector<UniqueFd> fillers_;
};

class Endpoints {
 public:
  using Message = proxy::testing::Message;
  struct Asked {
    std::string name;
    Message request;
  };

  explicit Endpoints(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      servers_.emplace(
          name, std::make_unique<proxy::testing::ScriptedUpstream>(proxy::testing::answering(
                    [this, name](const Message& request) { return answer(name, request); })));
    }
  }

  [[nodiscard]] std::uint16_t port(const std::string& name) const {
    return servers_.at(name)->address().port;
  }

  void begin_turn(const std::string& answer) {
    const std::lock_guard lock(mutex_);
    answer_ = answer;
    asked_.clear();
  }
  // What was asked in this turn, once it is at least `count` requests or 10 s are over.
  [[nodiscard]] std::vector<Asked> asked(std::size_t count) {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, std::chrono::seconds(10), [&] { return asked_.size() >= count; });
    return asked_;
  }

 private:
  std::string answer(const std::string& name, const Message& request) {
    const std::lock_guard lock(mutex_);
    asked_.push_back({name, request});
    came_.notify_all();
    if (!answer_.empty()) return answer_;
    if (request.start.starts_with("HEAD ")) return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    return proxy::testing::ok(name);
  }

  std::mutex mutex_;
  std::condition_variable came_;
  std::string answer_;
  std::vector<Asked> asked_;
  std::map<std::string, std::unique_ptr<proxy::testing::ScriptedUpstream>> servers_;
};

}  // namespace sluice::table
