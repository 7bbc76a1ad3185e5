// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/loader.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "agent/base/clock.hpp"
#include "agent/base/log.hpp"
#include "agent/config/manifest/json.hpp"
#include "agent/config/manifest/yaml.hpp"

namespace sluice::config {

Loader::DecodedFile Loader::decode_file(const FileText& file) const {
  DecodedFile out;
  const std::string& path = file.path;
  ParsedYaml parsed = file.json ? parse_json(*file.text) : parse_yaml(*file.text);
  for (const Problem& problem : parsed.problems) {
    ++out.unreadable;
    add_error(out.diagnostics, {path, problem.mark.line, problem.mark.column, {}, {}}, problem.code,
              problem.message, problem.hint);
  }
  Manifests manifests = to_manifests(std::move(parsed.documents), path);
  out.unreadable += static_cast<std::uint32_t>(manifests.diagnostics.size());
  append(out.diagnostics, std::move(manifests.diagnostics));
  for (const Manifest& manifest : manifests.objects) {
    Decoded decoded = decode(manifest, path, check_regex_);
    append(out.diagnostics, std::move(decoded.diagnostics));
    decoded.diagnostics.clear();
    if (decoded.ignored) {
      log::debug("config", "{}:{}: {} {} has no meaning here and is passed over", path,
                 decoded.origin.line, manifest.api_version, describe(manifest));
    } else {
      out.objects.push_back(std::move(decoded));
    }
  }
  return out;
}

KnownFile Loader::known() const {
  return [this](const std::string& path, const FileStamp& stamp) {
    const auto cached = cache_.find(path);
    return cached != cache_.end() && cached->second.settled && cached->second.stamp == stamp;
  };
}

bool Loader::take(const FileText& file) {
  DecodedFile& cached = cache_[file.path];
  const bool known = cached.seen > 0;
  cached.seen = loads_;
  if (file.unchanged) return false;
  const auto now =
      std::chrono::duration_cast<Nanoseconds>(std::chrono::system_clock::now().time_since_epoch());
  // The times of files advance in steps of some milliseconds, and by the clock of another host on network file systems.
  constexpr Nanoseconds kSettled = std::chrono::seconds(2);
  const auto last = std::max(file.stamp.modified_ns, file.stamp.changed_ns);
  cached.settled = file.text.has_value() && (now - Nanoseconds(last)) > kSettled;
  cached.stamp = file.stamp;
  const std::size_t size = file.text ? file.text->size() : 0;
  const std::size_t hash =
      std::hash<std::string>{}(file.text ? *file.text : file.text.error().message);
  if (known && cached.readable == file.text.has_value() && cached.hash == hash &&
      cached.size == size) {
    return false;
  }
  remove_objects(file.path, cached);
  bytes_ += size - cached.size;
  DecodedFile fresh;
  if (file.text) {
    fresh = decode_file(file);
  } else {
    const bool too_large = file.text.error().code == ErrorCode::kExhausted;
    fresh.unreadable = 1;
    add_error(fresh.diagnostics, {file.path, 0, 0, {}, {}},
              too_large ? "file_too_large" : "file_unreadable", file.text.error().message);
  }
  fresh.readable = file.text.has_value();
  fresh.size = size;
  fresh.hash = hash;
  fresh.stamp = cached.stamp;
  fresh.settled = cached.settled;
  fresh.seen = loads_;
  cached = std::move(fresh);
  if (cached.diagnostics.empty() && cached.nameless() == 0) {
    noted_.erase(file.path);
  } else {
    noted_.insert(file.path);
  }
  return true;
}

void Loader::remove_objects(const std::string& path, const DecodedFile& file) {
  for (const Decoded& decoded : file.objects) {
    if (!decoded.key) continue;
    loaded_.changed.insert(*decoded.key);
    const auto found = loaded_.objects.find(*decoded.key);
    if (found != loaded_.objects.end() && found->second.file == path) loaded_.objects.erase(found);
  }
}

bool Loader::add_objects(const std::string& path, const DecodedFile& file) {
  bool alone = true;
  for (const Decoded& decoded : file.objects) {
    if (!decoded.key) continue;
    loaded_.changed.insert(*decoded.key);
    const auto [place, added] = loaded_.objects.try_emplace(
        *decoded.key, Candidate{path, decoded.origin, decoded.spec, decoded.refused});
    if (added) continue;
    alone = false;
    add_error(duplicates_, decoded.origin, "duplicate_object",
              fmt::format("the object is already defined at {}, which counts",
                          model::location(place->second.origin)),
              "remove one of them");
  }
  return alone;
}

// Which of several definitions counts depends on all files: the first by name does.
void Loader::rebuild() {
  for (const auto& [key, candidate] : loaded_.objects) loaded_.changed.insert(key);
  loaded_.objects.clear();
  duplicates_.clear();
  const std::map<std::string_view, const DecodedFile*> sorted = [this] {
    std::map<std::string_view, const DecodedFile*> out;
    for (const auto& [path, file] : cache_) out.emplace(path, &file);
    return out;
  }();
  for (const auto& [path, file] : sorted) add_objects(std::string(path), *file);
}

void Loader::add_fresh(const std::vector<const FileText*>& fresh) {
  bool alone = duplicates_.empty();
  for (const FileText* file : fresh) {
    if (alone) alone = add_objects(file->path, cache_.at(file->path));
  }
  if (!alone) rebuild();
}

// What is not about single objects.
void Loader::collect() {
  loaded_.broken_files.clear();
  loaded_.diagnostics = duplicates_;
  loaded_.nameless = static_cast<std::uint32_t>(duplicates_.size());
  for (const std::string& path : noted_) {
    const DecodedFile& decoded = cache_.at(path);
    append(loaded_.diagnostics, decoded.diagnostics);
    if (decoded.nameless() == 0) continue;
    loaded_.broken_files.insert(path);
    loaded_.nameless += decoded.nameless();
  }
}

const Loaded& Loader::again() {
  loaded_.changed.clear();
  return loaded_;
}

void Loader::forget(const std::string& path) {
  const auto found = cache_.find(path);
  if (found == cache_.end()) return;
  remove_objects(path, found->second);
  bytes_ -= found->second.size;
  noted_.erase(path);
  cache_.erase(found);
}

std::size_t Loader::bytes_beside(const std::string& directory,
                                 const std::set<std::string>& names) const {
  std::size_t out = bytes_;
  for (const std::string& name : names) {
    const auto found = cache_.find(path_in(directory, name));
    if (found != cache_.end()) out -= found->second.size;
  }
  return out;
}

bool Loader::holds_only_endpoints(const std::string& path) const {
  const auto found = cache_.find(path);
  return found != cache_.end() && !found->second.objects.empty() &&
         std::ranges::all_of(found->second.objects, [](const Decoded& each) {
           return each.key && (each.key->kind == "EndpointSlice" || each.key->kind == "Pod");
         });
}

const Loaded& Loader::load(const std::vector<FileText>& files) {
  ++loads_;
  loaded_.changed.clear();
  std::vector<const FileText*> fresh;
  for (const FileText& file : files) {
    if (take(file)) fresh.push_back(&file);
  }
  if (cache_.size() > files.size()) {
    std::vector<std::string> gone;
    for (const auto& [path, file] : cache_) {
      if (file.seen != loads_) gone.push_back(path);
    }
    for (const std::string& path : gone) forget(path);
  }
  add_fresh(fresh);
  collect();
  return loaded_;
}

const Loaded& Loader::load_changes(const std::vector<FileText>& changed,
                                   const std::vector<std::string>& gone) {
  ++loads_;
  loaded_.changed.clear();
  for (const std::string& path : gone) forget(path);
  std::vector<const FileText*> fresh;
  for (const FileText& file : changed) {
    if (take(file)) fresh.push_back(&file);
  }
  add_fresh(fresh);
  collect();
  return loaded_;
}

}  // namespace sluice::config
