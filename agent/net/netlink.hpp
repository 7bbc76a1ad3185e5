// SPDX-License-Identifier: Apache-2.0
// A little rtnetlink: requests, dumps and notifications, no more than the agent needs. Callers: datapath,
// LocalAddresses. Thread: any, one for each socket. Invariants: every length in a message is checked before it is used.
#pragma once
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"

namespace sluice::net {

// One received message: header and what follows it.
using NetlinkHandler = std::function<void(const nlmsghdr& header, std::span<const std::byte> body)>;

class NetlinkSocket {
 public:
  // `groups`: RTMGRP_* to listen to; such a socket does not block.
  static Result<NetlinkSocket> open(std::uint32_t groups);

  [[nodiscard]] int fd() const { return fd_.get(); }
  // Sends one request and handles the answer up to its end. `body` follows the header.
  Result<void> request(std::uint16_t type, std::uint16_t flags, std::span<const std::byte> body,
                       const NetlinkHandler& handler);
  // Handles all notifications that are there. kExhausted: some were lost, so a new dump is needed.
  Result<void> drain(const NetlinkHandler& handler);

 private:
  explicit NetlinkSocket(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  std::uint32_t sequence_ = 0;
};

// Attributes that follow the fixed part of a message, or are nested in another one.
class NetlinkAttributes {
 public:
  explicit NetlinkAttributes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  void each(
      const std::function<void(std::uint16_t type, std::span<const std::byte> value)>& visit) const;
  // The value of the first one of this type, empty when there is none.
  [[nodiscard]] std::span<const std::byte> find(std::uint16_t type) const;

 private:
  std::span<const std::byte> bytes_;
};

// What follows the header of a request: a fixed part, then attributes.
class NetlinkMessage {
 public:
  template <typename Fixed>
  explicit NetlinkMessage(const Fixed& fixed) {
    add_raw(std::as_bytes(std::span(&fixed, 1)));
  }
  void add(std::uint16_t type, std::span<const std::byte> value);
  template <typename Value>
  void add_value(std::uint16_t type, const Value& value) {
    add(type, std::as_bytes(std::span(&value, 1)));
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  void add_raw(std::span<const std::byte> bytes);

  std::vector<std::byte> bytes_;
};

[[nodiscard]] std::uint32_t netlink_u32(
    std::span<const std::byte> value);  // 0 when it is too short
[[nodiscard]] std::string_view netlink_text(std::span<const std::byte> value);

}  // namespace sluice::net
