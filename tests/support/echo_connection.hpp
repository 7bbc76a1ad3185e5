// SPDX-License-Identifier: Apache-2.0
// EchoConnection: one client of the echo server, from accept to close.
// Callers: EchoLoop. Thread: one worker.
// Invariants: never keeps a body; answers pipelined requests in order, the next one only when the
// last is written.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/clock.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/base/unique_fd.hpp"
#include "tests/support/body_pattern.hpp"
#include "tests/support/echo_request.hpp"
#include "tests/support/http_wire.hpp"

namespace sluice::support {

struct EchoIdentity {
  std::string version;
  std::string name;
  std::string fast_answer;  // the whole answer to GET /
};
[[nodiscard]] EchoIdentity make_identity(std::string version, std::string name);

class EchoConnection {
 public:
  EchoConnection(UniqueFd fd, const SocketAddress& peer, const EchoIdentity& identity)
      : fd_(std::move(fd)), peer_(peer), identity_(identity) {}

  // Does all it can without blocking. `scratch` holds what is read meanwhile. False: finished,
  // destroy it.
  [[nodiscard]] bool run(std::span<char> scratch);
  // When run() wants to be called although the socket has no news.
  [[nodiscard]] std::optional<TimePoint> wake() const { return wake_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  enum class State { kHead, kBody, kDelay, kAnswer, kStream, kDrain };
  // kRead: needs input (from flush(): all is written). kWait: needs the socket or a timer. kAgain:
  // go on at once.
  enum class Next { kRead, kWait, kAgain, kClose };

  Next work();
  Next read_head();
  void begin_request();
  void begin_body();
  void begin_answer();
  void write_answer_head(std::uint64_t length, bool known);
  Next write_body();
  Next write_stream();
  Next end_answer();
  void bad_request(std::string_view why);
  void append_chunk(std::string_view data);
  [[nodiscard]] bool has_no_body() const;
  [[nodiscard]] std::uint64_t body_stop() const;
  Next flush();
  void keep_input();

  UniqueFd fd_;
  SocketAddress peer_;
  const EchoIdentity& identity_;
  State state_ = State::kHead;
  std::string_view input_;  // unread bytes: in pending_ or in scratch
  std::string pending_;
  std::string out_;
  std::size_t out_sent_ = 0;
  std::optional<TimePoint> wake_;

  WireHead head_;  // valid only inside read_head()
  WireBody body_;
  BodyHash body_hash_;
  EchoControls controls_;
  std::string json_;        // non-empty: the answer describes the request
  bool head_only_ = false;  // HEAD
  bool http10_ = false;
  bool keep_alive_ = true;
  bool unread_body_ = false;
  std::uint64_t answer_sent_ = 0;
  std::uint32_t pieces_sent_ = 0;
};

}  // namespace sluice::support
