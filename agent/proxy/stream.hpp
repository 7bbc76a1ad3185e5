// SPDX-License-Identifier: Apache-2.0
// Stream: one request and its answer: head, route, pick, promotion or relay in both directions. Objects are used again
// for later requests of any connection, so that their parsers and strings keep their memory.
// Callers: Session. Thread: worker. Invariants: owns its upstream; in each direction reads only while the other side's
// buffer is empty, so that a stream holds at most one read of bytes per direction; sends no request byte twice unless
// the endpoint cannot have acted on the first ones (RFC 9110 9.2.2).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/http/h1_codec.hpp"
#include "agent/proxy/context.hpp"

namespace sluice::proxy {

class Stream {
 public:
  explicit Stream(Context& context);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void begin(Session& session);
  void on_head_bytes(
      std::string_view bytes);  // unconsumed input of the client; keeps the rest itself
  bool step();                  // one round of what needs no waiting; false: nothing to do
  void end();                   // gives up the upstream if it still has one

  [[nodiscard]] Session& session() const { return *session_; }
  [[nodiscard]] bool in_head() const { return phase_ == Phase::kHead; }
  [[nodiscard]] bool done() const { return phase_ == Phase::kDone; }
  [[nodiscard]] bool request_done() const { return request_done_; }
  // Registers what it waits for. False when the reactor refuses.
  [[nodiscard]] bool settle();
  [[nodiscard]] TimePoint deadline(TimePoint last_progress) const;
  void on_timeout();

 private:
  enum class Phase : std::uint8_t { kHead, kPromote, kRelay, kDone };

  // stream_request.cpp
  std::optional<std::string_view> collect(std::string_view bytes, std::size_t& consumed);
  void dispatch(std::string_view raw, std::string_view body);
  bool route();
  void rewrite_head();
  void add_forwarded();
  bool pump_request();
  void bad_request();

  // stream_upstream.cpp
  bool attach();
  void send_request(std::string_view body);
  bool upstream_ended();
  bool no_response();
  bool try_elsewhere();
  void connect_failed();
  [[nodiscard]] bool may_repeat() const;

  // stream_response.cpp
  bool relay();
  bool pump_response();
  bool relay_head(std::string& text);
  http::H1Event parse_response(std::string_view bytes, std::size_t& consumed,
                               std::string_view& tail);
  void write_response_end(std::string& text) const;
  void finish_response(bool reusable);

  // stream_steer.cpp
  bool offer(std::string_view raw, std::string_view body);
  [[nodiscard]] std::optional<Refusal> unsuited(std::string_view raw) const;
  void refused(Refusal refusal);
  bool attach_for_promotion(std::uint16_t mss);
  bool promote(std::string_view raw);
  bool step_promote();

  // stream_ending.cpp
  void reply(std::uint16_t status, Ending ending, std::string_view reason);
  void give_up(Ending ending, bool reset);
  void fail(std::uint16_t status, Ending ending, std::string_view reason);

  // Appends `data` (and with `last` the end) in the framing `kind`; what is better not copied is returned.
  static std::string_view frame(http::BodyKind kind, std::string_view data, std::string& text);

  Context& context_;
  Session* session_ = nullptr;
  http::H1RequestParser request_;
  http::H1ResponseParser response_;
  Generation* generation_ = nullptr;
  const snapshot::Listener* listener_ = nullptr;
  Target* target_ = nullptr;
  EndpointPool* pool_ = nullptr;
  std::unique_ptr<Upstream> upstream_;
  std::string body_;  // of a request that is held whole: to be sent again on another connection
  std::string raw_;   // the request as it came, while the upstream to promote it on connects
  TimePoint attached_at_;
  std::uint32_t attempts_ = 0;
  http::BodyKind answer_body_ = http::BodyKind::kNone;  // framing towards the client
  Phase phase_ = Phase::kHead;
  bool request_done_ = false;    // its last byte was read
  bool rewritten_ = false;       // the endpoint is sent something else than the client sent
  bool response_began_ = false;  // a final head was sent to the client
  bool upstream_keep_ = false;
  bool keep_alive_ = false;
};

}  // namespace sluice::proxy
