// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "agent/base/log.hpp"
#include "agent/config/config.hpp"
#include "agent/config/manifest/yaml.hpp"
#include "agent/config/source/directory.hpp"
#include "agent/config/translate/decode.hpp"
#include "agent/config/translate/listeners.hpp"

namespace sluice::config {
namespace {

// The newest version of one object in the files.
struct Candidate {
  std::string file;
  model::Origin origin;
  SpecPtr spec;  // null: rejected
};

// What the files say now.
struct Loaded {
  std::map<ObjectKey, Candidate> objects;
  std::set<std::string> broken_files;  // objects of these may be there and not be seen
  Diagnostics diagnostics;
  std::uint32_t nameless = 0;  // rejected objects that cannot be told apart
};

void add_object(const Manifest& manifest, const std::string& file, const RegexCheck& check_regex,
                Loaded& out) {
  Decoded decoded = decode(manifest, file, check_regex);
  append(out.diagnostics, std::move(decoded.diagnostics));
  if (decoded.ignored) {
    log::debug("config", "{}:{}: {} {} has no meaning here and is passed over", file,
               decoded.origin.line, manifest.api_version, describe(manifest));
    return;
  }
  if (!decoded.key) {
    out.broken_files.insert(file);
    ++out.nameless;
    return;
  }
  const auto [place, added] = out.objects.try_emplace(
      std::move(*decoded.key), Candidate{file, decoded.origin, std::move(decoded.spec)});
  if (added) return;
  ++out.nameless;
  add_error(out.diagnostics, decoded.origin, "duplicate_object",
            fmt::format("the object is already defined at {}, which is in force",
                        model::location(place->second.origin)),
            "remove one of them");
}

void add_file(const FileText& file, const RegexCheck& check_regex, Loaded& out) {
  if (!file.text) {
    out.broken_files.insert(file.path);
    add_error(
        out.diagnostics, {file.path, 0, 0, {}, {}},
        file.text.error().code == ErrorCode::kExhausted ? "file_too_large" : "file_unreadable",
        file.text.error().message);
    return;
  }
  ParsedYaml parsed = parse_yaml(*file.text);
  for (const Problem& problem : parsed.problems) {
    out.broken_files.insert(file.path);
    add_error(out.diagnostics, {file.path, problem.mark.line, problem.mark.column, {}, {}},
              problem.code, problem.message, problem.hint);
  }
  Manifests manifests = to_manifests(std::move(parsed.documents), file.path);
  if (!manifests.diagnostics.empty()) out.broken_files.insert(file.path);
  append(out.diagnostics, std::move(manifests.diagnostics));
  for (const Manifest& manifest : manifests.objects) {
    add_object(manifest, file.path, check_regex, out);
  }
}

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
  return out;
}

void sort_diagnostics(Diagnostics& diagnostics) {
  const auto key = [](const model::Diagnostic& d) {
    return std::tie(d.origin.file, d.origin.line, d.origin.column, d.code, d.message);
  };
  std::stable_sort(diagnostics.begin(), diagnostics.end(),
                   [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

}  // namespace

struct Translator::Impl {
  struct Kept {
    std::string file;
    SpecPtr good;  // the last version without an error
  };

  explicit Impl(TranslateOptions given) : options(std::move(given)) {}

  // The version of each object to use, and which objects' newest version is not it.
  std::map<ObjectKey, SpecPtr> choose(const Loaded& loaded, std::set<ObjectKey>& rejected) const;
  std::vector<LinkedVirtualService> link(const SpecSet& specs, const Registry& registry,
                                         const std::map<ObjectKey, SpecPtr>& chosen,
                                         std::set<ObjectKey>& rejected, Diagnostics& diagnostics);
  void remember(const Loaded& loaded, const std::map<ObjectKey, SpecPtr>& chosen,
                const std::set<ObjectKey>& unlinked);

  TranslateOptions options;
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

std::vector<LinkedVirtualService> Translator::Impl::link(const SpecSet& specs,
                                                         const Registry& registry,
                                                         const std::map<ObjectKey, SpecPtr>& chosen,
                                                         std::set<ObjectKey>& rejected,
                                                         Diagnostics& diagnostics) {
  const auto link_one = [&](const VirtualServiceSpec& spec) {
    LinkedVirtualService linked = link_virtual_service(spec, registry);
    check_gateways(spec, specs, linked.problems);
    return linked;
  };
  std::vector<LinkedVirtualService> out;
  for (const VirtualServiceSpec* spec : specs.virtual_services) {
    LinkedVirtualService linked = link_one(*spec);
    append(diagnostics, linked.problems);
    const ObjectKey key{"VirtualService", spec->meta.name_space, spec->meta.name};
    const auto old = kept.find(key);
    if (has_errors(linked.problems)) {
      rejected.insert(key);
      if (old != kept.end() && old->second.good != chosen.at(key)) {
        LinkedVirtualService before = link_one(std::get<VirtualServiceSpec>(*old->second.good));
        if (!has_errors(before.problems)) linked = std::move(before);
      }
    }
    out.push_back(std::move(linked));
  }
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

Translation Translator::load_directory(const std::string& directory) {
  Translation out;
  Loaded loaded;
  std::set<ObjectKey> rejected;
  const auto files = read_directory(directory);
  if (files) {
    for (const FileText& file : *files) add_file(file, impl_->options.check_regex, loaded);
  } else {
    // Likely a mount that is not there for a moment: keep everything.
    for (const auto& [key, old] : impl_->kept) loaded.broken_files.insert(old.file);
    add_error(loaded.diagnostics, {directory, 0, 0, {}, {}}, "directory_unreadable",
              files.error().message, "create it, or correct --config");
  }
  const auto chosen = impl_->choose(loaded, rejected);
  const SpecSet specs = to_set(chosen);
  const Registry registry(specs, impl_->options.cluster_domain, loaded.diagnostics);
  std::set<ObjectKey> unlinked;
  const auto services = impl_->link(specs, registry, chosen, unlinked, loaded.diagnostics);
  out.world = build_world(specs, services, impl_->options.gateway_labels,
                          impl_->options.cluster_domain, loaded.diagnostics);
  impl_->remember(loaded, chosen, unlinked);
  rejected.merge(unlinked);
  sort_diagnostics(loaded.diagnostics);
  out.diagnostics = std::move(loaded.diagnostics);
  out.objects = static_cast<std::uint32_t>(chosen.size());
  out.rejected = static_cast<std::uint32_t>(rejected.size()) + loaded.nameless;
  return out;
}

}  // namespace sluice::config
