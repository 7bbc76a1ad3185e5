// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "agent/config/config.hpp"
#include "agent/config/source/directory.hpp"
#include "agent/config/translate/delegate.hpp"
#include "agent/config/translate/gateway_api/world.hpp"
#include "agent/config/translate/link_cache.hpp"
#include "agent/config/translate/listeners.hpp"
#include "agent/config/translate/loader.hpp"
#include "agent/config/translate/places.hpp"
#include "agent/config/translate/spec_store.hpp"

namespace sluice::config {
namespace {

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
  explicit Impl(TranslateOptions given)
      : options(std::move(given)),
        loader({options.check_regex, options.check_rewrite}),
        links(options.cluster_domain) {
    store.specs().place = own_place(store.specs(), options);
  }

  // The virtual services that take requests. `unlinked`: those whose newest version names what does not exist. Where
  // the last good version still fits, it is used and the newest is added to `rejected`.
  LinkedServices link(std::set<ObjectKey>& rejected, std::set<ObjectKey>& unlinked,
                      Diagnostics& diagnostics);
  [[nodiscard]] Translation translate(const Loaded& loaded, Diagnostics diagnostics = {});

  TranslateOptions options;
  Loader loader;
  SpecStore store;
  LinkCache links;
  WorldMemory memory;
  ApiWorld api;
};

LinkedServices Translator::Impl::link(std::set<ObjectKey>& rejected, std::set<ObjectKey>& unlinked,
                                      Diagnostics& diagnostics) {
  SpecSet& specs = store.specs();
  LinkedServices out;
  out.reserve(specs.virtual_services.size());
  // Delegates first: where a last good version stays in force, those that delegate to it get that one.
  std::vector<const VirtualServiceSpec*> ordered = specs.virtual_services;
  std::stable_partition(ordered.begin(), ordered.end(),
                        [](const VirtualServiceSpec* spec) { return spec->hosts.empty(); });
  for (const VirtualServiceSpec* spec : ordered) {
    auto linked = links.link(*spec, specs);
    if (!linked->problems.empty()) append(diagnostics, linked->problems);
    if (has_errors(linked->problems)) {
      const ObjectKey key{"VirtualService", spec->meta.name_space, spec->meta.name};
      unlinked.insert(key);
      const SpecPtr good = store.good(key);
      if (good && good != store.chosen(key)) {
        auto before = links.link(std::get<VirtualServiceSpec>(*good), specs);
        if (!has_errors(before->problems)) {
          linked = std::move(before);
          rejected.insert(key);
          if (spec->hosts.empty() && linked->spec->hosts.empty()) {
            specs.delegate_by_name[spec->meta.full_name()] = linked->spec;
          }
        }
      }
    }
    if (linked->spec->hosts.empty()) continue;
    if (!linked->placement.empty()) append(diagnostics, linked->placement);
    out.push_back(std::move(linked));
  }
  report_idle_delegates(specs, diagnostics);
  return out;
}

Translator::Translator(TranslateOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
Translator::~Translator() = default;

Translation Translator::Impl::translate(const Loaded& loaded, Diagnostics diagnostics) {
  Translation out;
  append(diagnostics, loaded.diagnostics);
  const SpecStore::Changes changes = store.update(loaded);
  if (changes.registry) store.specs().place = own_place(store.specs(), options);
  links.refresh(store.specs(), changes);
  append(diagnostics, links.registry_problems());
  std::set<ObjectKey> rejected = store.rejected();
  std::set<ObjectKey> unlinked;
  LinkedServices services = link(rejected, unlinked, diagnostics);
  if (changes.gateways) memory = {};
  out.world = build_world(store.specs(), std::move(services), options.gateway_labels,
                          options.cluster_domain, memory, diagnostics);
  api.build(store.specs(), changes, links, options.gateway_addresses, out.world, out.status,
            diagnostics);
  out.world.place = store.specs().place;
  store.remember(loaded, std::move(unlinked));
  links.finish();
  store.forget();
  sort_diagnostics(diagnostics);
  out.diagnostics = std::move(diagnostics);
  out.objects = static_cast<std::uint32_t>(store.size());
  out.rejected = static_cast<std::uint32_t>(rejected.size()) + loaded.nameless;
  return out;
}

Translation Translator::load_directory(const std::string& directory) {
  const auto files = read_directory(directory, impl_->loader.known());
  const bool emptied = files && files->empty() && impl_->store.size() > 0;
  if (files && !emptied) return impl_->translate(impl_->loader.load(*files));
  // Likely a mount that is not there for a moment: keep everything.
  Diagnostics diagnostics;
  if (emptied) {
    add_error(diagnostics, {directory, 0, 0, {}, {}}, "directory_empty",
              "the directory has no YAML file any more: everything stays as it was",
              "if everything is meant to go, leave one empty file `none.yaml` in it");
  } else {
    add_error(diagnostics, {directory, 0, 0, {}, {}}, "directory_unreadable", files.error().message,
              "create it, or correct --config");
  }
  return impl_->translate(impl_->loader.again(), std::move(diagnostics));
}

Translation Translator::load_files(const std::string& directory,
                                   const std::set<std::string>& names) {
  const Loader& loader = impl_->loader;
  std::vector<FileText> files = read_files(directory, names, loader.bytes_beside(directory, names));
  const auto gone = std::ranges::partition(files, [](const FileText& file) { return !file.gone; });
  const std::size_t there = files.size() - gone.size();
  const bool too_much = std::ranges::any_of(files, [](const FileText& file) {
    return !file.text && file.text.error().code == ErrorCode::kExhausted;
  });
  // Limits and the loss of every file are about the directory as a whole.
  if (too_much || loader.files() + there > kMaxFiles ||
      (there == 0 && loader.files() <= gone.size())) {
    return load_directory(directory);
  }
  std::vector<std::string> lost;
  for (const FileText& file : gone) lost.push_back(file.path);
  files.resize(there, FileText{{}, std::string()});
  return impl_->translate(impl_->loader.load_changes(files, lost));
}

bool Translator::holds_only_endpoints(const std::string& directory, const std::string& name) const {
  return impl_->loader.holds_only_endpoints(path_in(directory, name));
}

Translation Translator::load_objects(const std::vector<ObjectText>& changes) {
  std::vector<FileText> changed;
  std::vector<std::string> gone;
  for (const ObjectText& object : changes) {
    if (object.text.empty()) {
      gone.push_back(object.path);
    } else {
      changed.push_back({.path = object.path, .text = object.text, .json = true});
    }
  }
  return impl_->translate(impl_->loader.load_changes(changed, gone));
}

Translation Translator::load_again() { return impl_->translate(impl_->loader.again()); }

Translation Translator::load_texts(const std::map<std::string, std::string>& files) {
  std::vector<FileText> texts;
  for (const auto& [name, text] : files) texts.push_back({name, text, {}, false});
  return impl_->translate(impl_->loader.load(texts));
}

}  // namespace sluice::config
