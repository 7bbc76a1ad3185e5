// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/listener_map.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <string>

#include "agent/datapath/kernel_error.hpp"
#include "bpf/abi/limits.h"
#include "bpf/abi/listener.h"

namespace sluice::datapath {
namespace {

std::string bytes_of(const lb_listener_key& key) {
  return {reinterpret_cast<const char*>(&key), sizeof key};
}

std::vector<lb_listener_key> keys_of(int map) {
  std::vector<lb_listener_key> keys;
  keys.reserve(LB_MAX_LISTENERS);  // `previous` points into it
  lb_listener_key key{};
  const lb_listener_key* previous = nullptr;
  // The bound guards against a walk that starts over when an entry vanishes under it.
  while (keys.size() < LB_MAX_LISTENERS && bpf_map_get_next_key(map, previous, &key) == 0) {
    keys.push_back(key);
    previous = &keys.back();
  }
  return keys;
}

lb_listener_key key_of(const ListenerEntry& entry) {
  lb_listener_key key{};
  if (entry.bind && !entry.bind->is_unspecified()) key.address = to_abi(*entry.bind);
  key.port = htons(entry.port);
  key.protocol = IPPROTO_TCP;
  return key;
}

lb_listener value_of(const ListenerEntry& entry) {
  return {.flags = entry.steer ? static_cast<std::uint32_t>(LB_LISTENER_STEER) : 0U,
          .mss4 = entry.mss4,
          .mss6 = entry.mss6};
}

}  // namespace

Result<void> sync_listener_map(int map, const std::vector<ListenerEntry>& wanted) {
  std::map<std::string, bool> keep;
  for (const ListenerEntry& entry : wanted) {
    const lb_listener_key key = key_of(entry);
    const lb_listener value = value_of(entry);
    if (const int result = bpf_map_update_elem(map, &key, &value, BPF_ANY); result < 0) {
      if (result == -E2BIG)
        return fail(ErrorCode::kExhausted, "more than " + std::to_string(LB_MAX_LISTENERS) +
                                               " listeners: remove some ports");
      return kernel_failure("cannot enter the listener on port " + std::to_string(entry.port),
                            result);
    }
    keep[bytes_of(key)] = true;
  }
  for (const lb_listener_key& key : keys_of(map))
    if (!keep.contains(bytes_of(key))) (void)bpf_map_delete_elem(map, &key);
  return {};
}

std::size_t count_listeners(int map) { return keys_of(map).size(); }

}  // namespace sluice::datapath
