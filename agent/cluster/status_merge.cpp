// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/status_merge.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "agent/cluster/lease.hpp"
#include "agent/config/config.hpp"

namespace sluice::cluster {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestMessage = 32'768;  // of the API

std::string word(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

json part(const json& object, const char* key, const json& otherwise) {
  if (!object.is_object()) return otherwise;
  const auto found = object.find(key);
  return found != object.end() && found->type() == otherwise.type() ? *found : otherwise;
}

json list_of(const json& object, const char* key) { return part(object, key, json::array()); }

const json* find_by(const json& items, const char* key, const std::string& value) {
  for (const json& item : items) {
    if (word(item, key) == value) return &item;
  }
  return nullptr;
}

std::string shortened(const std::string& text) {
  if (text.size() <= kLongestMessage) return text;
  return text.substr(0, kLongestMessage - 3) + "...";
}

struct Now {
  std::int64_t generation;
  std::string time;
  bool patient = false;
};

json merged_condition(const config::Condition& wanted, const json* before, const Now& now) {
  const char* const status = wanted.holds ? "True" : "False";
  const bool same = before != nullptr && word(*before, "status") == status;
  const std::string since = same ? word(*before, "lastTransitionTime") : std::string();
  return {{"type", wanted.type},
          {"status", status},
          {"reason", wanted.reason},
          {"message", shortened(wanted.message)},
          {"observedGeneration", now.generation},
          {"lastTransitionTime", since.empty() ? now.time : since}};
}

json merged_conditions(const std::vector<config::Condition>& wanted, const json& before,
                       const Now& now) {
  json out = json::array();
  // In the order of before, so that nothing changes that need not.
  for (const json& condition : before) {
    const std::string type = word(condition, "type");
    const auto ours = std::ranges::find(wanted, type, &config::Condition::type);
    if (ours == wanted.end()) {
      // A type with a domain belongs to somebody else; of the API's own ones all that hold are said by us.
      if (type.find('/') != type.npos) out.push_back(condition);
    } else if (now.patient && type == "Programmed" && !ours->holds &&
               word(condition, "status") == "True") {
      out.push_back(condition);
    } else {
      out.push_back(merged_condition(*ours, &condition, now));
    }
  }
  for (const config::Condition& condition : wanted) {
    if (find_by(before, "type", condition.type) == nullptr) {
      out.push_back(merged_condition(condition, nullptr, now));
    }
  }
  return out;
}

struct Current {
  json status;
  json version;
};

// nullopt: no object, or another generation than the report's.
std::optional<Current> read_current(std::string_view text, const config::StatusTarget& target) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  const json metadata = part(object, "metadata", json::object());
  const auto generation = metadata.find("generation");
  if (generation != metadata.end() && generation->is_number_integer() &&
      generation->get<std::int64_t>() != target.generation) {
    return std::nullopt;
  }
  return Current{part(object, "status", json::object()),
                 metadata.value("resourceVersion", json(nullptr))};
}

Patch patch_of(const Current& current, const json& wanted) {
  json changes = json::object();
  for (const auto& [key, value] : wanted.items()) {
    const auto before = current.status.find(key);
    if (before == current.status.end() ? value != json::array() && value != json(0)
                                       : *before != value) {
      changes[key] = value;
    }
  }
  if (changes.empty()) return std::nullopt;
  const json out = {{"metadata", {{"resourceVersion", current.version}}}, {"status", changes}};
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

json reference_of(const config::ParentStatus& parent) {
  json out = {{"group", parent.group}, {"kind", parent.kind}, {"name", parent.name}};
  if (parent.name_space) out["namespace"] = *parent.name_space;
  if (parent.section) out["sectionName"] = *parent.section;
  if (parent.port) out["port"] = *parent.port;
  return out;
}

}  // namespace

Patch merge_status(std::string_view object, const config::GatewayClassStatus& wanted,
                   WallTime time) {
  const auto current = read_current(object, wanted.target);
  if (!current) return std::nullopt;
  const Now now{wanted.target.generation, whole_time(time)};
  json features = json::array();
  for (const std::string& name : wanted.supported_features) features.push_back({{"name", name}});
  const json before = list_of(current->status, "conditions");
  return patch_of(*current, {{"conditions", merged_conditions(wanted.conditions, before, now)},
                             {"supportedFeatures", features}});
}

Patch merge_status(std::string_view object, const config::GatewayStatus& wanted, bool patient,
                   WallTime time) {
  const auto current = read_current(object, wanted.target);
  if (!current) return std::nullopt;
  const Now now{wanted.target.generation, whole_time(time), patient};
  const json before = list_of(current->status, "listeners");
  json listeners = json::array();
  for (const config::ListenerStatus& listener : wanted.listeners) {
    json kinds = json::array();
    for (const config::RouteKind& kind : listener.supported_kinds) {
      kinds.push_back({{"group", kind.group}, {"kind", kind.kind}});
    }
    const json* const was = find_by(before, "name", listener.name);
    const json conditions = was == nullptr ? json::array() : list_of(*was, "conditions");
    listeners.push_back({{"name", listener.name},
                         {"supportedKinds", kinds},
                         {"attachedRoutes", listener.attached_routes},
                         {"conditions", merged_conditions(listener.conditions, conditions, now)}});
  }
  json out = {{"conditions",
               merged_conditions(wanted.conditions, list_of(current->status, "conditions"), now)},
              {"listeners", listeners}};
  if (wanted.target.kind == "Gateway") {
    json addresses = json::array();
    for (const auto& address : wanted.addresses) {
      addresses.push_back({{"type", address.type}, {"value", address.value}});
    }
    out["addresses"] = addresses;
    out["attachedListenerSets"] = wanted.attached_listener_sets;
  }
  return patch_of(*current, out);
}

Patch merge_status(std::string_view object, const config::RouteStatus& wanted, WallTime time) {
  const auto current = read_current(object, wanted.target);
  if (!current) return std::nullopt;
  const Now now{wanted.target.generation, whole_time(time)};
  // Of a route the parents are Gateways, of a policy they are called ancestors.
  const bool policy = wanted.target.kind.ends_with("Policy");
  const char* const list = policy ? "ancestors" : "parents";
  const char* const reference = policy ? "ancestorRef" : "parentRef";
  const json before = list_of(current->status, list);
  const auto ours = [](const json& entry) {
    return word(entry, "controllerName") == config::kControllerName;
  };
  const auto entry_of = [&](const config::ParentStatus& parent, const json& was) {
    return json{
        {reference, reference_of(parent)},
        {"controllerName", config::kControllerName},
        {"conditions", merged_conditions(parent.conditions, list_of(was, "conditions"), now)}};
  };
  json out = json::array();
  std::set<const config::ParentStatus*> there;
  // Each at its place: two controllers that order a list anew would never come to an end.
  for (const json& entry : before) {
    if (!ours(entry)) {
      out.push_back(entry);
      continue;
    }
    const json name = part(entry, reference, json::object());
    for (const config::ParentStatus& parent : wanted.parents) {
      if (reference_of(parent) != name || !there.insert(&parent).second) continue;
      out.push_back(entry_of(parent, entry));
      break;
    }
  }
  for (const config::ParentStatus& parent : wanted.parents) {
    if (!there.contains(&parent)) out.push_back(entry_of(parent, json::object()));
  }
  return patch_of(*current, {{list, out}});
}

}  // namespace sluice::cluster
