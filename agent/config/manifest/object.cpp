// SPDX-License-Identifier: Apache-2.0
#include "agent/config/manifest/object.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <limits>

#include "agent/base/text.hpp"
#include "agent/config/manifest/fields.hpp"

namespace sluice::config {
namespace {

constexpr int kMaxListDepth = 3;

std::string word_of(const Node& root, std::string_view key) {
  const Member* member = root.find(key);
  return member != nullptr && member->value.kind == Node::Kind::kScalar ? member->value.scalar
                                                                        : std::string();
}

model::Diagnostic no_object(const std::string& file, Mark mark, std::string code,
                            std::string message, std::string hint) {
  return {model::Severity::kError,
          std::move(code),
          std::move(message),
          std::move(hint),
          {file, mark.line, mark.column, {}, {}}};
}

void add_manifest(Node root, const std::string& file, int depth, Manifests& out) {
  if (!root.is_map()) {
    out.diagnostics.push_back(
        no_object(file, root.mark, "not_an_object",
                  fmt::format("the document is {}, not a Kubernetes object", root.describe()),
                  "begin it with `apiVersion:` and `kind:`"));
    return;
  }
  Manifest manifest{std::move(root), {}, {}};
  manifest.api_version = word_of(manifest.root, "apiVersion");
  manifest.kind = word_of(manifest.root, "kind");
  for (const std::string_view key : {std::string_view("apiVersion"), std::string_view("kind")}) {
    if (!word_of(manifest.root, key).empty()) continue;
    std::string hint = fmt::format("add `{}: ...`", key);
    for (const Member& member : manifest.root.members) {
      const std::string_view wanted[] = {key};
      if (!closest(member.key, wanted).empty()) {
        hint = fmt::format("write `{}` instead of `{}`", key, member.key);
      }
    }
    out.diagnostics.push_back(no_object(file, manifest.root.mark, "not_an_object",
                                        fmt::format("the document has no `{}`", key),
                                        std::move(hint)));
    return;
  }
  const auto items = std::find_if(manifest.root.members.begin(), manifest.root.members.end(),
                                  [](const Member& member) { return member.key == "items"; });
  if (!manifest.kind.ends_with("List") || items == manifest.root.members.end()) {
    out.objects.push_back(std::move(manifest));
    return;
  }
  if (!items->value.is_list() || depth >= kMaxListDepth) {
    if (items->value.is_null()) return;
    out.diagnostics.push_back(no_object(file, items->mark, "not_an_object",
                                        "`items` of a List must be a list of objects",
                                        "begin each item with `- `"));
    return;
  }
  for (Node& child : items->value.items) add_manifest(std::move(child), file, depth + 1, out);
}

bool alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// RFC 1123 subdomain, as Kubernetes wants object names.
bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (alphanumeric(c)) continue;
    if (c != '-' && c != '.') return false;
    if (i == 0 || i + 1 == name.size()) return false;
    if (c == '.' && (!alphanumeric(name[i - 1]) || !alphanumeric(name[i + 1]))) return false;
  }
  return true;
}

std::string repair_name(std::string_view name) {
  std::string out = to_lower(name);
  for (char& c : out) {
    if (!alphanumeric(c) && c != '.') c = '-';
  }
  const auto bad_edge = [](char c) { return !alphanumeric(c); };
  while (!out.empty() && bad_edge(out.back())) out.pop_back();
  out.erase(out.begin(), std::find_if_not(out.begin(), out.end(), bad_edge));
  return out;
}

void check_name(const Text& text, Report& report) {
  if (text.value.empty() || valid_name(text.value)) return;
  const std::string repaired = repair_name(text.value);
  report.error(text.mark, text.path, "invalid_name",
               fmt::format("`{}` is not a name that Kubernetes accepts: only lower-case letters, "
                           "digits, `-` and `.`, at most 253",
                           text.value),
               valid_name(repaired) ? fmt::format("write `{}`", repaired) : std::string());
}

}  // namespace

Manifests to_manifests(std::vector<Node> documents, const std::string& file) {
  Manifests out;
  for (Node& document : documents) add_manifest(std::move(document), file, 0, out);
  return out;
}

std::string describe(const Manifest& manifest) {
  const Member* metadata = manifest.root.find("metadata");
  if (metadata == nullptr) return manifest.kind;
  const std::string name = word_of(metadata->value, "name");
  const std::string name_space = word_of(metadata->value, "namespace");
  if (name.empty()) return manifest.kind;
  return fmt::format("{} {}/{}", manifest.kind, name_space.empty() ? "default" : name_space, name);
}

Metadata read_metadata(const Manifest& manifest, Report& report) {
  static constexpr std::array<std::string_view, 8> kSilent{
      "managedFields", "resourceVersion", "uid",          "ownerReferences",
      "finalizers",    "selfLink",        "generateName", "deletionGracePeriodSeconds"};
  Metadata out;
  const Member* member = manifest.root.find("metadata");
  if (member == nullptr || member->value.is_null()) {
    report.error(manifest.root.mark, "metadata.name", "missing_field", "the object has no name",
                 "add `metadata:` with `name: ...`");
    return out;
  }
  Fields fields(member->value, "metadata", report);
  const Text name = fields.required_text("name");
  check_name(name, report);
  out.name = name.value;
  out.name_mark = name.mark;
  if (const auto name_space = fields.text("namespace")) {
    check_name(*name_space, report);
    if (!name_space->value.empty()) out.name_space = name_space->value;
  }
  if (const auto created = fields.get("creationTimestamp")) out.created = created->node->scalar;
  out.deleting = fields.get("deletionTimestamp").has_value();
  constexpr auto kAny = std::numeric_limits<std::int64_t>::max();
  out.generation = fields.integer("generation", 0, kAny).value_or(0);
  out.labels = fields.labels("labels");
  const auto annotations = fields.map("annotations");
  for (const auto& [key, value] : fields.labels("annotations")) {
    out.annotations[key] = {value, annotations->node->find(key)->value.mark};
  }
  fields.silent(kSilent);
  fields.finish();
  return out;
}

}  // namespace sluice::config
