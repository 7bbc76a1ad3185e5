// SPDX-License-Identifier: Apache-2.0
#include "agent/config/manifest/api_json.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::config {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestMessage = 500;

// The library's recursion is bounded by this: nothing of the API nests deeper.
constexpr int kDeepest = 128;

Result<json> parse(std::string_view text) {
  bool too_deep = false;
  const auto bounded = [&too_deep](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > kDeepest;
    return !too_deep;
  };
  json out = json::parse(text, bounded, false);
  if (too_deep) return fail(ErrorCode::kInvalid, "the answer nests too deep");
  if (out.is_discarded() || !out.is_object()) {
    return fail(ErrorCode::kInvalid, "the answer is no JSON object");
  }
  return out;
}

std::string word(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const json& part(const json& object, const char* key) {
  static const json kEmpty = json::object();
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : kEmpty;
}

json kept(const json& object, std::initializer_list<const char*> keys) {
  json out = json::object();
  for (const char* key : keys) {
    if (const auto found = object.find(key); found != object.end()) out[key] = *found;
  }
  return out;
}

// A node's agent hears of every Pod of the cluster, at every step of its life.
json trimmed_pod(const json& pod) {
  json out = kept(pod, {"metadata"});
  out["metadata"].erase("ownerReferences");
  out["metadata"].erase("annotations");
  const json& spec = part(pod, "spec");
  out["spec"] = kept(spec, {"nodeName"});
  const auto containers = spec.find("containers");
  if (containers != spec.end() && containers->is_array()) {
    json& list = out["spec"]["containers"] = json::array();
    for (const json& container : *containers) {
      if (container.is_object()) list.push_back(kept(container, {"name", "ports"}));
    }
  }
  const json& status = part(pod, "status");
  out["status"] = kept(status, {"podIP", "podIPs", "phase"});
  const auto conditions = status.find("conditions");
  if (conditions != status.end() && conditions->is_array()) {
    for (const json& condition : *conditions) {
      if (condition.is_object() && word(condition, "type") == "Ready") {
        out["status"]["conditions"].push_back(
            kept(condition, {"type", "status", "lastTransitionTime"}));
      }
    }
  }
  return out;
}

// Of a Node only its labels count; its status changes every few minutes.
json trimmed_node(const json& node) {
  json out = json::object();
  out["metadata"] = kept(part(node, "metadata"), {"name", "labels"});
  return out;
}

Result<ApiObject> take_object(json object, std::string_view api_version, std::string_view kind) {
  if (!object.is_object()) return fail(ErrorCode::kInvalid, "an item of the answer is no object");
  const auto metadata = object.find("metadata");
  ApiObject out;
  if (metadata != object.end() && metadata->is_object()) {
    out.name = word(*metadata, "name");
    out.name_space = word(*metadata, "namespace");
    out.resource_version = word(*metadata, "resourceVersion");
    metadata->erase("managedFields");
    metadata->erase("resourceVersion");  // it changes with what is left out
  }
  if (out.name.empty()) return fail(ErrorCode::kInvalid, "an object of the answer has no name");
  if (kind == "Pod") object = trimmed_pod(object);
  if (kind == "Node") object = trimmed_node(object);
  object["apiVersion"] = std::string(api_version);
  object["kind"] = std::string(kind);
  out.text = object.dump(-1, ' ', false, json::error_handler_t::replace);
  return out;
}

}  // namespace

Result<ApiPage> read_api_page(std::string_view text, std::string_view api_version,
                              std::string_view kind) {
  auto parsed = parse(text);
  if (!parsed) return tl::unexpected(parsed.error());
  ApiPage out;
  const json& metadata = part(*parsed, "metadata");
  out.resource_version = word(metadata, "resourceVersion");
  out.next = word(metadata, "continue");
  const auto items = parsed->find("items");
  if (items == parsed->end() || !(items->is_array() || items->is_null())) {
    return fail(ErrorCode::kInvalid, "the answer is no list: it has no `items`");
  }
  if (out.resource_version.empty()) {
    return fail(ErrorCode::kInvalid, "the list has no resourceVersion");
  }
  for (json& item : *items) {
    auto object = take_object(std::move(item), api_version, kind);
    if (!object) return tl::unexpected(object.error());
    out.objects.push_back(std::move(*object));
  }
  return out;
}

Result<ApiEvent> read_api_event(std::string_view line, std::string_view api_version,
                                std::string_view kind) {
  auto parsed = parse(line);
  if (!parsed) return tl::unexpected(parsed.error());
  const std::string type = word(*parsed, "type");
  const auto object = parsed->find("object");
  if (object == parsed->end() || !object->is_object()) {
    return fail(ErrorCode::kInvalid, "the event has no object");
  }
  ApiEvent out;
  if (type == "ERROR") {
    out.type = ApiEvent::Type::kError;
    const auto code = object->find("code");
    out.code = code != object->end() && code->is_number_integer() ? code->get<int>() : 500;
    out.message = word(*object, "message");
    return out;
  }
  if (type == "BOOKMARK") {
    out.type = ApiEvent::Type::kBookmark;
    out.object.resource_version = word(part(*object, "metadata"), "resourceVersion");
    if (out.object.resource_version.empty()) {
      return fail(ErrorCode::kInvalid, "the bookmark has no resourceVersion");
    }
    return out;
  }
  if (type == "DELETED") {
    out.type = ApiEvent::Type::kDeleted;
  } else if (type != "ADDED" && type != "MODIFIED") {
    return fail(ErrorCode::kInvalid, fmt::format("an event of the unknown type `{}`", type));
  }
  auto taken = take_object(std::move(*object), api_version, kind);
  if (!taken) return tl::unexpected(taken.error());
  out.object = std::move(*taken);
  return out;
}

std::string read_api_message(std::string_view text) {
  std::string message;
  if (const auto parsed = parse(text)) message = word(*parsed, "message");
  if (message.empty()) message = std::string(text);
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.pop_back();
  if (message.size() > kLongestMessage) message = message.substr(0, kLongestMessage) + "...";
  // It goes into logs: one line, nothing that moves a terminal's cursor.
  std::ranges::replace_if(
      message, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return message;
}

}  // namespace sluice::config
