// SPDX-License-Identifier: Apache-2.0
// Between the agent's addresses and the map keys: the same 16 bytes, other names.
#include <arpa/inet.h>

#include <cstring>

#include "agent/datapath/flow_table.hpp"

namespace sluice::datapath {
namespace {

static_assert(sizeof(lb_address) == sizeof(IpAddress));

std::uint64_t fold(std::uint64_t sum) { return (sum & 0xffffffff) + (sum >> 32); }

void add_difference(std::uint64_t& sum, const lb_address& from, const lb_address& to) {
  for (int i = 0; i < 4; ++i)
    sum += std::uint64_t{to.words[i]} + static_cast<std::uint32_t>(~from.words[i]);
}

}  // namespace

lb_address to_abi(const IpAddress& address) {
  lb_address out;
  std::memcpy(&out, address.bytes.data(), sizeof out);
  return out;
}

IpAddress from_abi(const lb_address& address) {
  IpAddress out;
  std::memcpy(out.bytes.data(), &address, sizeof address);
  return out;
}

lb_tuple make_tuple(const SocketAddress& source, const SocketAddress& destination) {
  return {.source = to_abi(source.ip),
          .destination = to_abi(destination.ip),
          .source_port = htons(source.port),
          .destination_port = htons(destination.port)};
}

SocketAddress source_of(const lb_tuple& tuple) {
  return {.ip = from_abi(tuple.source), .port = ntohs(tuple.source_port)};
}

SocketAddress destination_of(const lb_tuple& tuple) {
  return {.ip = from_abi(tuple.destination), .port = ntohs(tuple.destination_port)};
}

lb_tuple reverse(const lb_tuple& tuple) {
  return {.source = tuple.destination,
          .destination = tuple.source,
          .source_port = tuple.destination_port,
          .destination_port = tuple.source_port};
}

std::uint32_t address_difference(const lb_tuple& from, const lb_tuple& to) {
  std::uint64_t sum = 0;
  add_difference(sum, from.source, to.source);
  add_difference(sum, from.destination, to.destination);
  return static_cast<std::uint32_t>(fold(fold(sum)));
}

}  // namespace sluice::datapath
