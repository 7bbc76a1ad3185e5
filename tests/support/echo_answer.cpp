// SPDX-License-Identifier: Apache-2.0
// The half of EchoConnection that writes answers, and misbehaves when asked to. Thread: one worker.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "tests/support/echo_connection.hpp"

namespace sluice::support {
namespace {

constexpr std::size_t kOutHigh = 64UL * 1024;
constexpr std::uint64_t kPieceLimit = 1024UL * 1024;
constexpr std::size_t kChunk = 32UL * 1024;
constexpr std::chrono::seconds kLinger{5};

std::string_view reason_phrase(std::uint16_t status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

TimePoint now() { return std::chrono::steady_clock::now(); }

void abort_connection(int fd) {
  const linger option{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &option, sizeof option);
}

}  // namespace

EchoIdentity make_identity(std::string version, std::string name) {
  const std::string body = "hello from " + version + "\n";
  std::string answer = "HTTP/1.1 200 OK\r\n";
  append_field(answer, "Content-Type", "text/plain");
  append_field(answer, "Content-Length", std::to_string(body.size()));
  append_field(answer, "X-Version", version);
  append_field(answer, "X-Pod", name);
  answer += "\r\n" + body;
  return {std::move(version), std::move(name), std::move(answer)};
}

void EchoConnection::bad_request(std::string_view why) {
  keep_alive_ = false;
  unread_body_ = true;
  const std::string body = "echo-server: " + std::string(why) + "\n";
  out_ += "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n";
  append_field(out_, "Content-Length", std::to_string(body.size()));
  out_ += "\r\n" + body;
  controls_ = {};
  json_.clear();
  head_only_ = true;
  answer_sent_ = 0;
  state_ = State::kAnswer;
}

bool EchoConnection::has_no_body() const {
  return head_only_ || controls_.status == 204 || controls_.status == 304;
}

void EchoConnection::begin_answer() {
  if (controls_.delay_ms != 0) {
    wake_ = now() + std::chrono::milliseconds(controls_.delay_ms);
    controls_.delay_ms = 0;
    state_ = State::kDelay;
    return;
  }
  answer_sent_ = 0;
  pieces_sent_ = 0;
  if (controls_.pieces != 0) {
    write_answer_head(0, false);
    state_ = State::kStream;
    return;
  }
  if (!controls_.pattern) {
    if (json_.empty()) {
      json_ = "hello from " + identity_.version + "\n";
    } else {
      json_ += ",\n  \"body_length\": " + std::to_string(body_hash_.length());
      json_ += ",\n  \"body_hash\": \"" + to_hex(body_hash_.value()) + "\"\n}\n";
    }
    controls_.size = json_.size();
  }
  write_answer_head(controls_.size, true);
  if (has_no_body()) controls_.size = 0;
  state_ = State::kAnswer;
}

void EchoConnection::write_answer_head(std::uint64_t length, bool known) {
  if (http10_) controls_.chunked = false;
  if (!known) {
    controls_.chunked = !http10_;
    if (http10_) keep_alive_ = false;
  }
  const std::uint16_t status = controls_.status;
  out_ += "HTTP/1.1 " + std::to_string(status) + " ";
  out_.append(reason_phrase(status)).append("\r\n");
  append_field(out_, "Content-Type", json_.starts_with('{') ? "application/json" : "text/plain");
  append_field(out_, "X-Version", identity_.version);
  append_field(out_, "X-Pod", identity_.name);
  if (!controls_.tag.empty()) append_field(out_, "X-Request-Tag", controls_.tag);
  if (body_hash_.length() != 0) {
    append_field(out_, "X-Request-Length", std::to_string(body_hash_.length()));
    append_field(out_, "X-Request-Hash", to_hex(body_hash_.value()));
  }
  if (controls_.pattern && controls_.pieces == 0) {
    append_field(out_, "X-Body-Hash", to_hex(pattern_hash(controls_.seed, controls_.size)));
  }
  for (std::uint32_t i = 0; i < controls_.extra_fields; ++i) {
    append_field(out_, "X-Extra-" + std::to_string(i), "value-" + std::to_string(i));
  }
  if (status != 204) {
    if (controls_.chunked) {
      append_field(out_, "Transfer-Encoding", "chunked");
    } else if (known) {
      append_field(out_, "Content-Length", std::to_string(length));
    }
  }
  if (!keep_alive_) {
    append_field(out_, "Connection", "close");
  } else if (http10_) {
    append_field(out_, "Connection", "keep-alive");
  }
  out_ += "\r\n";
}

void EchoConnection::append_chunk(std::string_view data) {
  std::array<char, 20> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), data.size(), 16).ptr;
  out_.append(size.data(), end).append("\r\n").append(data).append("\r\n");
}

// Where the body ends early, for the misbehaving answers.
std::uint64_t EchoConnection::body_stop() const {
  const bool cut = controls_.misbehave == Misbehave::kCloseInBody ||
                   controls_.misbehave == Misbehave::kResetInBody;
  return cut ? controls_.size / 2 : controls_.size;
}

EchoConnection::Next EchoConnection::write_body() {
  if (controls_.misbehave == Misbehave::kResetAtOnce) {
    abort_connection(fd_.get());
    return Next::kClose;
  }
  const std::uint64_t stop = body_stop();
  while (answer_sent_ < stop) {
    const std::uint64_t left = stop - answer_sent_;
    const std::string_view piece =
        controls_.pattern ? pattern_piece(controls_.seed, answer_sent_,
                                          controls_.chunked ? std::min(left, kChunk) : left)
                          : std::string_view(json_).substr(answer_sent_, left);
    if (controls_.chunked || piece.size() <= kChunk) {
      if (controls_.chunked) {
        append_chunk(piece);
      } else {
        out_.append(piece);
      }
      answer_sent_ += piece.size();
      if (out_.size() < kOutHigh) continue;
      if (const Next next = flush(); next != Next::kRead) return next;
      continue;
    }
    if (const Next next = flush(); next != Next::kRead) return next;
    const ssize_t sent = ::send(fd_.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN ? Next::kWait : Next::kClose;
    answer_sent_ += static_cast<std::uint64_t>(sent);
  }
  return end_answer();
}

EchoConnection::Next EchoConnection::write_stream() {
  // A client that does not read gets no further pieces: memory stays bounded.
  if (const Next next = flush(); next != Next::kRead) return next;
  if (wake_) return Next::kWait;
  if (pieces_sent_ == controls_.pieces || has_no_body()) return end_answer();
  std::string piece = "piece " + std::to_string(pieces_sent_) + "\n";
  const std::uint64_t size = std::min(controls_.size, kPieceLimit);
  for (std::uint64_t done = 0; done < size;) {
    const std::string_view next = pattern_piece(controls_.seed, done, size - done);
    piece.append(next);
    done += next.size();
  }
  if (controls_.chunked) {
    append_chunk(piece);
  } else {
    out_ += piece;
  }
  ++pieces_sent_;
  wake_ = now() + std::chrono::milliseconds(controls_.interval_ms);
  if (controls_.misbehave == Misbehave::kResetInBody && pieces_sent_ == controls_.pieces) {
    abort_connection(fd_.get());
    return Next::kClose;
  }
  return flush() == Next::kClose ? Next::kClose : Next::kWait;
}

EchoConnection::Next EchoConnection::end_answer() {
  if (controls_.misbehave != Misbehave::kNone) {
    if (const Next next = flush(); next != Next::kRead) return next;
    if (controls_.misbehave == Misbehave::kResetInBody) abort_connection(fd_.get());
    return Next::kClose;
  }
  if (controls_.chunked && !has_no_body()) {
    out_ += controls_.trailers ? "0\r\nX-Trailer: done\r\n\r\n" : "0\r\n\r\n";
    controls_.chunked = false;  // a second call after a blocked flush adds nothing
  }
  if (keep_alive_) {
    state_ = State::kHead;
    return Next::kRead;
  }
  if (const Next next = flush(); next != Next::kRead) return next;
  if (!unread_body_) return Next::kClose;
  // Closing with unread bytes sends RST, which may destroy the answer on its way (RFC 9112 9.6).
  ::shutdown(fd_.get(), SHUT_WR);
  wake_ = now() + kLinger;
  state_ = State::kDrain;
  return Next::kRead;
}

}  // namespace sluice::support
