// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/lease.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

namespace sluice::cluster {
namespace {

using nlohmann::json;

constexpr char kNote[] = "sluice.dev/acknowledged";
constexpr int kLongestDuration = 3600;

std::string word(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int number(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int>() : 0;
}

std::string date_time(std::chrono::system_clock::time_point when) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return {text, size};
}

}  // namespace

Result<Lease> read_lease(std::string_view text, const std::string& version) {
  const json object = json::parse(text, nullptr, false);
  const auto metadata = object.is_object() ? object.find("metadata") : object.end();
  if (!object.is_object() || metadata == object.end() || !metadata->is_object()) {
    return fail(ErrorCode::kInvalid, "the answer is no Lease");
  }
  Lease out;
  out.name = word(*metadata, "name");
  out.version = word(*metadata, "resourceVersion");
  if (out.version.empty()) out.version = version;
  if (const auto notes = metadata->find("annotations");
      notes != metadata->end() && notes->is_object()) {
    out.note = word(*notes, kNote);
  }
  if (const auto spec = object.find("spec"); spec != object.end() && spec->is_object()) {
    out.holder = word(*spec, "holderIdentity");
    // Written by others: a lease must not last for ever.
    out.duration = std::chrono::seconds(
        std::clamp(number(*spec, "leaseDurationSeconds"), 0, kLongestDuration));
    out.acquired = word(*spec, "acquireTime");
    out.transitions = number(*spec, "leaseTransitions");
  }
  return out;
}

std::string lease_text(const Lease& lease, const std::string& name_space,
                       std::chrono::system_clock::time_point now) {
  const std::string time = micro_time(now);
  json out = {{"apiVersion", "coordination.k8s.io/v1"},
              {"kind", "Lease"},
              {"metadata", {{"name", lease.name}, {"namespace", name_space}}},
              {"spec",
               {{"holderIdentity", lease.holder},
                {"leaseDurationSeconds", lease.duration.count()},
                {"acquireTime", lease.acquired.empty() ? time : lease.acquired},
                {"renewTime", time},
                {"leaseTransitions", lease.transitions}}}};
  if (!lease.version.empty()) out["metadata"]["resourceVersion"] = lease.version;
  if (!lease.note.empty()) out["metadata"]["annotations"][kNote] = lease.note;
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string micro_time(std::chrono::system_clock::time_point when) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
  return fmt::format("{}.{:06}Z", date_time(when), micros % 1'000'000);
}

std::string whole_time(std::chrono::system_clock::time_point when) { return date_time(when) + "Z"; }

}  // namespace sluice::cluster
