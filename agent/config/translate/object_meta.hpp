// SPDX-License-Identifier: Apache-2.0
// What decoded objects of every kind have in common: identity, metadata, texts with their places, and the annotations
// that Gateways of both APIs may have. Plain values. Thread: main.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/base/boxed.hpp"
#include "agent/model/world.hpp"

namespace sluice::config {

using Labels = std::map<std::string, std::string>;

struct ObjectKey {
  std::string kind;  // with its group where another API has a kind of that name
  std::string name_space;
  std::string name;

  auto operator<=>(const ObjectKey&) const = default;
};

struct ObjectMeta {
  std::string name_space;
  std::string name;
  std::string created;  // RFC 3339 or empty
  Labels labels;
  model::Origin origin;

  [[nodiscard]] std::string full_name() const { return name_space + "/" + name; }
};

struct PlacedText {
  std::string value;
  model::Origin origin;
};

template <typename T>
struct Annotated {
  T value{};
  model::Origin origin;
};

// The sluice.dev/ annotations of a Gateway, which speak of its listeners.
struct GatewayAnnotations {
  Boxed<Annotated<model::SteerAfter>> steer_after;
  Boxed<Annotated<model::ForwardedHeaders>> forwarded_headers;
  Boxed<Annotated<model::ClientAddress>> client_address;
  Boxed<Annotated<model::PathNormalization>> path_normalization;
  Boxed<Annotated<model::DesyncMode>> desync_mode;
  Boxed<Annotated<std::uint32_t>> max_connections;
  Boxed<Annotated<std::uint64_t>> max_body_bytes;
  Boxed<Annotated<bool>> proxy_protocol;
};

}  // namespace sluice::config
