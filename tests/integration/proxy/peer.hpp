// SPDX-License-Identifier: Apache-2.0
// Peer: a blocking socket that speaks HTTP by hand, for both ends of proxy tests; ScriptedUpstream: an endpoint whose
// every connection runs a function. Waiting ends after 10 s, so that a broken proxy fails a test instead of hanging it.
// Thread: a peer belongs to one thread; the functions of an upstream run on threads of its own.
#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "agent/base/ip_address.hpp"
#include "agent/base/unique_fd.hpp"

namespace sluice::proxy::testing {

struct Message {
  std::string start;  // the whole start line
  int status = 0;     // of a response
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  bool complete = false;  // the framing says that nothing is missing
  [[nodiscard]] std::string field(std::string_view name) const;  // "" when absent
};

class Peer {
 public:
  // `stop`: a descriptor that ends all waiting when it becomes readable, or -1.
  explicit Peer(UniqueFd fd, int stop = -1);
  // `receive_buffer`: SO_RCVBUF before connecting, so that the window stays small.
  static Peer connect(const SocketAddress& to, int receive_buffer = 0);

  bool send(std::string_view bytes);
  [[nodiscard]] std::string read_some();                     // "" at the end or after an error
  [[nodiscard]] std::string read_exactly(std::size_t size);  // shorter when the connection ends
  // The next message; `bodiless` for answers to HEAD. nullopt when the connection ends before a whole head.
  [[nodiscard]] std::optional<Message> read_message(bool bodiless = false);
  [[nodiscard]] bool
  at_end();  // waits until the other side has closed; false when bytes come instead
  void half_close();
  void close() { fd_.reset(); }
  void reset();
  [[nodiscard]] int fd() const { return fd_.get(); }
  // False: the last read ended by an RST or by waiting too long.
  [[nodiscard]] bool ended_cleanly() const { return clean_; }

 private:
  bool fill();

  UniqueFd fd_;
  int stop_;
  std::string pending_;
  bool clean_ = true;
};

class ScriptedUpstream {
 public:
  using Script = std::function<void(Peer&)>;
  explicit ScriptedUpstream(Script script);
  ~ScriptedUpstream();
  ScriptedUpstream(const ScriptedUpstream&) = delete;
  ScriptedUpstream& operator=(const ScriptedUpstream&) = delete;

  [[nodiscard]] const SocketAddress& address() const { return address_; }
  [[nodiscard]] int connections() const { return connections_.load(); }

 private:
  void accept_all();

  Script script_;
  UniqueFd listener_;
  SocketAddress address_;
  std::atomic<int> connections_{0};
  UniqueFd stop_;                     // an eventfd
  std::vector<std::thread> threads_;  // of accept_all()
  std::thread acceptor_;
};

// Answers every request of a connection with `answer(request)`, until the other side closes.
[[nodiscard]] ScriptedUpstream::Script answering(std::function<std::string(const Message&)> answer);
[[nodiscard]] std::string ok(std::string_view body, std::string_view more_fields = {});

}  // namespace sluice::proxy::testing
