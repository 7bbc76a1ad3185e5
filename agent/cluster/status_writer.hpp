// SPDX-License-Identifier: Apache-2.0
// StatusWriter: brings the status of objects in line with a report: reads an object, compares, patches what differs.
// Only what the report or the object changed is looked at. Owned by Member. Thread: cluster. Invariants: a few requests
// at a time, and so many a second at most; what failed is tried again with growing pauses.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <variant>

#include "agent/base/clock.hpp"
#include "agent/cluster/api_calls.hpp"
#include "agent/config/status.hpp"

namespace sluice::cluster {

// A Gateway's status, and whether a condition Programmed that holds may stay although the report says no.
struct GatewayWish {
  config::GatewayStatus status;
  bool patient = false;

  bool operator==(const GatewayWish&) const = default;
};
using StatusWish = std::variant<config::GatewayClassStatus, GatewayWish, config::RouteStatus>;

class StatusWriter {
 public:
  StatusWriter(const Clock& clock, ApiCalls& calls) : clock_(clock), calls_(calls) {}

  // All that is to be written from now on; what is not in it is left as it is. By what paths are made of.
  void want(std::map<std::string, StatusWish> wishes);
  // The object changed: as ObjectText::path.
  void touched(const std::string& path);
  void turn();

  [[nodiscard]] std::uint64_t writes() const { return writes_; }
  [[nodiscard]] std::size_t waiting() const { return dirty_.size(); }
  // The path of ObjectText.
  [[nodiscard]] static std::string path_of(const config::StatusTarget& target);

 private:
  struct Item {
    StatusWish wish;
    bool busy = false;
    Milliseconds pause{0};
    TimePoint not_before{};
  };

  void look(const std::string& path, Item& item);
  void compare(const std::string& path, const std::string& object);
  void failed(const std::string& path, const config::KubeReply& reply);
  void finished(const std::string& path);

  const Clock& clock_;
  ApiCalls& calls_;
  std::map<std::string, Item> items_;
  std::set<std::string> dirty_;
  std::size_t under_way_ = 0;
  std::uint64_t writes_ = 0;
  double budget_ = 0;  // requests that may be made now
  TimePoint counted_{};
};

}  // namespace sluice::cluster
