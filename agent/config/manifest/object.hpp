// SPDX-License-Identifier: Apache-2.0
// Object: one Kubernetes object of a file: its identity, its metadata and its tree. Made from
// documents, read by translate/. Thread: main.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/manifest/node.hpp"
#include "agent/config/manifest/report.hpp"

namespace sluice::config {

struct Annotation {
  std::string value;
  Mark mark;
};

struct Metadata {
  std::string name;
  std::string name_space = "default";
  std::string created;  // creationTimestamp as written (RFC 3339, so text order is time order); may
                        // be empty
  bool deleting = false;
  std::int64_t generation = 0;
  std::map<std::string, std::string> labels;
  std::map<std::string, Annotation> annotations;
  Mark name_mark;

  [[nodiscard]] std::string full_name() const { return name_space + "/" + name; }
};

// One manifest: the map with apiVersion and kind.
struct Manifest {
  Node root;
  std::string api_version;
  std::string kind;
};

struct Manifests {
  std::vector<Manifest> objects;
  std::vector<model::Diagnostic> diagnostics;  // what is no object at all
};

// Reads apiVersion and kind of each document and takes `List` objects apart.
[[nodiscard]] Manifests to_manifests(std::vector<Node> documents, const std::string& file);

// "VirtualService default/echo" as far as it can be told before the metadata is checked.
[[nodiscard]] std::string describe(const Manifest& manifest);

// metadata of the object; unknown fields, wrong types and names that Kubernetes refuses are errors
// in the report.
[[nodiscard]] Metadata read_metadata(const Manifest& manifest, Report& report);

}  // namespace sluice::config
