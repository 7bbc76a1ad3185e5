// SPDX-License-Identifier: Apache-2.0
// Channel: one TCP connection as sessions and upstreams use it: edge-triggered readiness, exact byte counts since it
// was attached, and buffers that exist only while bytes wait. Input is read into memory that all channels of a worker
// share; what is not consumed at once is kept. Output goes straight to the socket; what it does not take is kept.
// Callers: H1Session, H1Exchange, Upstream, Stream. Thread: worker.
// Invariants: received() and sent() count every byte that recv() and send() moved, and what give() was given, which
// steering relies on: the next sequence number of a leg is its recorded first one plus that count. A view that input()
// returned ends with the next input() of any channel of the worker.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/base/unique_fd.hpp"
#include "agent/net/reactor.hpp"
#include "agent/proxy/buffer.hpp"

namespace sluice::proxy {

// What the channels of one worker share.
struct ChannelMemory {
  explicit ChannelMemory(std::size_t read_size) : scratch(read_size) {}
  std::vector<char> scratch;       // one read: the bound of what a stream buffers in a direction
  std::uint64_t buffer_bytes = 0;  // gauge over all buffers
};

class Channel {
 public:
  // The totals, when given, count beside received() and sent().
  explicit Channel(ChannelMemory& memory, std::uint64_t* received_total = nullptr,
                   std::uint64_t* sent_total = nullptr);

  void attach(UniqueFd fd) { fd_ = std::move(fd); }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] UniqueFd& descriptor() { return fd_; }

  // What epoll said.
  void note(std::uint32_t events);
  // The connection is not established yet: watch() asks for EPOLLOUT.
  void expect_writable() { writable_ = false; }
  // Registers with the reactor for what is waited for; cheap when nothing changed.
  [[nodiscard]] bool watch(net::Reactor& reactor, net::EventHandler& handler);
  void unwatch(net::Reactor& reactor);
  void close(net::Reactor& reactor);
  // Closes, and becomes as it was made: for another connection.
  void reset(net::Reactor& reactor);

  // Unconsumed bytes, after one recv() when there are none or too few. Empty: nothing for now, see ended() and
  // failed(). keep() must follow before the next call.
  [[nodiscard]] std::string_view input();
  // `bytes` (of input()) were used up to `consumed`. `starved`: the rest makes no sense without more.
  void keep(std::string_view bytes, std::size_t consumed, bool starved = false);
  [[nodiscard]] bool has_input() const { return !in_.empty(); }
  // Bytes that were received for this connection before it was attached: they count, and are the first that input()
  // returns.
  void give(std::string_view bytes);

  // Sends both pieces, in order; keeps what the socket does not take. False once the connection is broken for sending.
  bool send(std::string_view first, std::string_view second = {});
  // Sends what was kept. True when it made progress.
  bool flush();
  [[nodiscard]] bool has_output() const { return !out_.empty(); }
  [[nodiscard]] std::string_view unsent() const { return out_.view(); }
  void release_buffers();  // the empty ones

  [[nodiscard]] bool readable() const { return readable_; }
  [[nodiscard]] bool ended() const { return ended_; }      // the peer's FIN was read
  [[nodiscard]] bool closing() const { return closing_; }  // its FIN or RST arrived, read or not
  [[nodiscard]] bool broken() const { return broken_; }    // RST or error: nothing can be sent
  [[nodiscard]] bool receive_failed() const { return receive_failed_; }
  [[nodiscard]] bool send_failed() const { return send_failed_; }
  [[nodiscard]] int last_error() const { return error_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }

 private:
  [[nodiscard]] std::size_t receive(std::span<char> into);
  [[nodiscard]] std::size_t transmit(std::string_view first, std::string_view second);

  ChannelMemory& memory_;
  std::uint64_t* received_total_;
  std::uint64_t* sent_total_;
  UniqueFd fd_;
  std::uint32_t watched_ = 0;  // events registered; 0 = not in the reactor
  int error_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  Buffer in_;
  Buffer out_;
  bool starved_ = false;
  bool readable_ = true;  // until recv() says otherwise: I/O is tried before it is waited for
  bool writable_ = true;
  bool ended_ = false;
  bool closing_ = false;
  bool broken_ = false;
  bool receive_failed_ = false;
  bool send_failed_ = false;
};

}  // namespace sluice::proxy
