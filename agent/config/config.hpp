// SPDX-License-Identifier: Apache-2.0
// config::Translator: from manifest objects to model::World. The one entry point the pipeline calls; sources, the
// manifest tree and the translation of each kind live in the folders beside it.
// Thread: main. Invariants: never throws; the same objects give the same World whatever their order of arrival.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/status.hpp"
#include "agent/model/world.hpp"

namespace sluice::config {

// GatewayClass.spec.controllerName of the classes that this project serves.
inline constexpr const char* kControllerName = "sluice.dev/gateway-controller";

// Where a Gateway (of Gateway API) without addresses of its own is served.
enum class GatewayAddresses {
  kEverywhere,  // on every local address, as Istio's are: configuration from files
  kAssigned,  // on status.addresses once there are some: a cluster, where one agent hands them out
};

struct TranslateOptions {
  std::map<std::string, std::string> gateway_labels =
      {};  // what Gateway.spec.selector is held against
  std::string cluster_domain = "cluster.local";
  std::string node_name = {};                    // the Node that this agent runs on
  std::optional<model::Locality> locality = {};  // where; unset: what the Node's labels say
  GatewayAddresses gateway_addresses = GatewayAddresses::kEverywhere;
  // Says what is wrong with a regular expression, nullopt when it is fine (routing::check_regex: RE2 lives there).
  // A bad one rejects its object here, so that compiling routes cannot fail later.
  std::function<std::optional<std::string>(std::string_view)> check_regex = {};
  // The same for a pattern and what takes its place, which names groups as \1 (routing::check_rewrite).
  std::function<std::optional<std::string>(std::string_view pattern, std::string_view substitution)>
      check_rewrite = {};
};

// One object that a source other than files tells of.
struct ObjectText {
  std::string path;  // as diagnostics name it: "virtualservices.networking.istio.io/default/echo"
  std::string text;  // JSON; empty: the object is gone
};

struct Translation {
  model::World world;
  std::vector<model::Diagnostic> diagnostics;  // sorted by file, line
  StatusReport status;
  std::uint32_t objects = 0;   // objects in force
  std::uint32_t rejected = 0;  // objects whose newest version is not in force
};

// Reads the directory's *.yaml and *.yml and translates them. Keeps each object's last good version: an object whose
// new version is bad stays in force as it was, one that is gone from the files is gone. A file that cannot be read or
// parsed keeps all its objects.
class Translator {
 public:
  explicit Translator(TranslateOptions options);
  ~Translator();
  Translator(const Translator&) = delete;
  Translator& operator=(const Translator&) = delete;

  [[nodiscard]] Translation load_directory(const std::string& directory);
  // The same when nothing but these files of it can differ since it was loaded.
  [[nodiscard]] Translation load_files(const std::string& directory,
                                       const std::set<std::string>& names);
  // Does this file of it, as it was loaded, hold nothing but endpoints (EndpointSlices, Pods)?
  [[nodiscard]] bool holds_only_endpoints(const std::string& directory,
                                          const std::string& name) const;
  // What changed since the last call; the rest stays as it is. Not to be mixed with directories.
  [[nodiscard]] Translation load_objects(const std::vector<ObjectText>& changes);
  // Translates again what the last call gave.
  [[nodiscard]] Translation load_again();
  // The same for texts that are already in memory, by file name (checks without a running agent, fuzzing).
  [[nodiscard]] Translation load_texts(const std::map<std::string, std::string>& files);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::config
