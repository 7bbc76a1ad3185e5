// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "agent/config/config.hpp"
#include "agent/config/source/directory.hpp"
#include "agent/config/translate/delegate.hpp"
#include "agent/config/translate/listeners.hpp"
#include "agent/config/translate/loader.hpp"
#include "agent/config/translate/places.hpp"

namespace sluice::config {
namespace {

template <typename T>
void sort_specs(std::vector<const T*>& specs) {
  const auto key = [](const T* spec) {
    // An object without a creation time counts as newest: files have none, and then names decide.
    const ObjectMeta& meta = spec->meta;
    return std::tuple(meta.created.empty(), meta.created, meta.name_space, meta.name);
  };
  std::sort(specs.begin(), specs.end(), [&](const T* a, const T* b) { return key(a) < key(b); });
}

struct SpecSorter {
  SpecSet& out;
  void operator()(const GatewaySpec& spec) const { out.gateways.push_back(&spec); }
  void operator()(const VirtualServiceSpec& spec) const { out.virtual_services.push_back(&spec); }
  void operator()(const DestinationRuleSpec& spec) const { out.rules.push_back(&spec); }
  void operator()(const ServiceEntrySpec& spec) const { out.service_entries.push_back(&spec); }
  void operator()(const WorkloadEntrySpec& spec) const { out.workload_entries.push_back(&spec); }
  void operator()(const ServiceSpec& spec) const { out.services.push_back(&spec); }
  void operator()(const EndpointSliceSpec& spec) const { out.slices.push_back(&spec); }
  void operator()(const PodSpec& spec) const { out.pods.push_back(&spec); }
  void operator()(const NodeSpec& spec) const { out.nodes.push_back(&spec); }
};

SpecSet to_set(const std::map<ObjectKey, SpecPtr>& specs) {
  SpecSet out;
  for (const auto& [key, spec] : specs) std::visit(SpecSorter{out}, *spec);
  sort_specs(out.gateways);
  sort_specs(out.virtual_services);
  sort_specs(out.rules);
  sort_specs(out.service_entries);
  sort_specs(out.workload_entries);
  sort_specs(out.services);
  sort_specs(out.slices);
  sort_specs(out.pods);
  sort_specs(out.nodes);
  for (const GatewaySpec* gateway : out.gateways) {
    out.gateway_by_name.emplace(gateway->meta.full_name(), gateway);
    out.gateway_names.push_back(gateway->meta.full_name());
  }
  for (const VirtualServiceSpec* service : out.virtual_services) {
    if (service->hosts.empty()) out.delegate_by_name.emplace(service->meta.full_name(), service);
  }
  return out;
}

void sort_diagnostics(Diagnostics& diagnostics) {
  const auto key = [](const model::Diagnostic& d) {
    return std::tie(d.origin.file, d.origin.line, d.origin.column, d.code, d.message, d.origin.path,
                    d.hint);
  };
  std::sort(diagnostics.begin(), diagnostics.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  // What is wrong with a delegate is found once by itself and once by each that delegates to it.
  const auto same = [&](const auto& a, const auto& b) { return key(a) == key(b); };
  diagnostics.erase(std::unique(diagnostics.begin(), diagnostics.end(), same), diagnostics.end());
}

}  // namespace

struct Translator::Impl {
  struct Kept {
    std::string file;
    SpecPtr good;  // the last version without an error
  };

  explicit Impl(TranslateOptions given)
      : options(std::move(given)), loader({options.check_regex, options.check_rewrite}) {}

  // The version of each object to use, and which objects' newest version is not it.
  std::map<ObjectKey, SpecPtr> choose(const Loaded& loaded, std::set<ObjectKey>& rejected) const;
  // `unlinked`: virtual services whose newest version names what does not exist. Where the last good version still
  // fits, it is used and the newest is rejected.
  std::vector<LinkedVirtualService> link(SpecSet& specs, const Registry& registry,
                                         const std::map<ObjectKey, SpecPtr>& chosen,
                                         std::set<ObjectKey>& rejected,
                                         std::set<ObjectKey>& unlinked, Diagnostics& diagnostics);
  [[nodiscard]] Translation translate(Loaded loaded);
  void remember(const Loaded& loaded, const std::map<ObjectKey, SpecPtr>& chosen,
                const std::set<ObjectKey>& unlinked);

  TranslateOptions options;
  Loader loader;
  std::map<ObjectKey, Kept> kept;
};

std::map<ObjectKey, SpecPtr> Translator::Impl::choose(const Loaded& loaded,
                                                      std::set<ObjectKey>& rejected) const {
  std::map<ObjectKey, SpecPtr> out;
  for (const auto& [key, candidate] : loaded.objects) {
    if (candidate.spec) {
      out.emplace(key, candidate.spec);
      continue;
    }
    rejected.insert(key);
    if (const auto old = kept.find(key); old != kept.end()) out.emplace(key, old->second.good);
  }
  for (const auto& [key, old] : kept) {
    if (!loaded.objects.contains(key) && loaded.broken_files.contains(old.file)) {
      out.emplace(key, old.good);
    }
  }
  return out;
}

std::vector<LinkedVirtualService> Translator::Impl::link(SpecSet& specs, const Registry& registry,
                                                         const std::map<ObjectKey, SpecPtr>& chosen,
                                                         std::set<ObjectKey>& rejected,
                                                         std::set<ObjectKey>& unlinked,
                                                         Diagnostics& diagnostics) {
  const auto link_one = [&](const VirtualServiceSpec& spec) {
    LinkedVirtualService linked = link_virtual_service(spec, specs, registry);
    check_gateways(spec, specs, linked.problems);
    return linked;
  };
  std::vector<LinkedVirtualService> out;
  // Delegates first: where a last good version stays in force, those that delegate to it get that one.
  std::vector<const VirtualServiceSpec*> ordered = specs.virtual_services;
  std::stable_partition(ordered.begin(), ordered.end(),
                        [](const VirtualServiceSpec* spec) { return spec->hosts.empty(); });
  for (const VirtualServiceSpec* spec : ordered) {
    LinkedVirtualService linked = link_one(*spec);
    append(diagnostics, linked.problems);
    const ObjectKey key{"VirtualService", spec->meta.name_space, spec->meta.name};
    const auto old = kept.find(key);
    if (has_errors(linked.problems)) {
      unlinked.insert(key);
      if (old != kept.end() && old->second.good != chosen.at(key)) {
        LinkedVirtualService before = link_one(std::get<VirtualServiceSpec>(*old->second.good));
        if (!has_errors(before.problems)) {
          linked = std::move(before);
          rejected.insert(key);
          if (spec->hosts.empty() && linked.spec->hosts.empty()) {
            specs.delegate_by_name[spec->meta.full_name()] = linked.spec;
          }
        }
      }
    }
    if (!linked.spec->hosts.empty()) out.push_back(std::move(linked));
  }
  report_idle_delegates(specs, diagnostics);
  return out;
}

void Translator::Impl::remember(const Loaded& loaded, const std::map<ObjectKey, SpecPtr>& chosen,
                                const std::set<ObjectKey>& unlinked) {
  std::map<ObjectKey, Kept> next;
  for (const auto& [key, spec] : chosen) {
    const auto candidate = loaded.objects.find(key);
    const auto old = kept.find(key);
    const std::string& file =
        candidate != loaded.objects.end() ? candidate->second.file : old->second.file;
    if (!unlinked.contains(key)) {
      next[key] = {file, spec};
    } else if (old != kept.end()) {
      next[key] = {file, old->second.good};
    }
  }
  kept = std::move(next);
}

Translator::Translator(TranslateOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
Translator::~Translator() = default;

Translation Translator::Impl::translate(Loaded loaded) {
  Translation out;
  std::set<ObjectKey> rejected;
  std::set<ObjectKey> unlinked;
  const auto chosen = choose(loaded, rejected);
  SpecSet specs = to_set(chosen);
  for (const ObjectKey& key : rejected) {
    if (key.kind == "Gateway" && !chosen.contains(key)) {
      specs.rejected_gateways.insert(key.name_space + "/" + key.name);
    }
  }
  specs.place = own_place(specs, options);
  const Registry registry(specs, options.cluster_domain, loaded.diagnostics);
  const auto services = link(specs, registry, chosen, rejected, unlinked, loaded.diagnostics);
  out.world = build_world(specs, services, options.gateway_labels, options.cluster_domain,
                          loaded.diagnostics);
  out.world.place = std::move(specs.place);
  remember(loaded, chosen, unlinked);
  sort_diagnostics(loaded.diagnostics);
  out.diagnostics = std::move(loaded.diagnostics);
  out.objects = static_cast<std::uint32_t>(chosen.size());
  out.rejected = static_cast<std::uint32_t>(rejected.size()) + loaded.nameless;
  return out;
}

Translation Translator::load_directory(const std::string& directory) {
  const auto files = read_directory(directory);
  if (files) return impl_->translate(impl_->loader.load(*files));
  // Likely a mount that is not there for a moment: keep everything.
  Loaded nothing;
  for (const auto& [key, old] : impl_->kept) nothing.broken_files.insert(old.file);
  add_error(nothing.diagnostics, {directory, 0, 0, {}, {}}, "directory_unreadable",
            files.error().message, "create it, or correct --config");
  return impl_->translate(std::move(nothing));
}

Translation Translator::load_texts(const std::map<std::string, std::string>& files) {
  std::vector<FileText> texts;
  for (const auto& [name, text] : files) texts.push_back({name, text});
  return impl_->translate(impl_->loader.load(texts));
}

}  // namespace sluice::config
