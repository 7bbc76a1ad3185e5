// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/loader.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "agent/base/clock.hpp"
#include "agent/base/log.hpp"
#include "agent/config/manifest/yaml.hpp"

namespace sluice::config {

Loader::DecodedFile Loader::decode_file(const std::string& path, const std::string& text) const {
  DecodedFile out;
  ParsedYaml parsed = parse_yaml(text);
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
  DecodedFile fresh;
  if (file.text) {
    fresh = decode_file(file.path, *file.text);
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
    const auto [place, added] =
        loaded_.objects.try_emplace(*decoded.key, Candidate{path, decoded.origin, decoded.spec});
    if (added) continue;
    alone = false;
    add_error(duplicates_, decoded.origin, "duplicate_object",
              fmt::format("the object is already defined at {}, which counts",
                          model::location(place->second.origin)),
              "remove one of them");
  }
  return alone;
}

// Which of several definitions counts depends on all files.
void Loader::rebuild(const std::vector<FileText>& files) {
  for (const auto& [key, candidate] : loaded_.objects) loaded_.changed.insert(key);
  loaded_.objects.clear();
  duplicates_.clear();
  for (const FileText& file : files) add_objects(file.path, cache_.at(file.path));
}

// What is not about single objects.
void Loader::collect(const std::vector<FileText>& files) {
  loaded_.broken_files.clear();
  loaded_.diagnostics = duplicates_;
  loaded_.nameless = static_cast<std::uint32_t>(duplicates_.size());
  for (const FileText& file : files) {
    const DecodedFile& decoded = cache_.at(file.path);
    append(loaded_.diagnostics, decoded.diagnostics);
    const auto keyless = static_cast<std::uint32_t>(
        std::ranges::count_if(decoded.objects, [](const Decoded& each) { return !each.key; }));
    if (keyless + decoded.unreadable == 0) continue;
    loaded_.broken_files.insert(file.path);
    loaded_.nameless += keyless + decoded.unreadable;
  }
}

const Loaded& Loader::again() {
  loaded_.changed.clear();
  return loaded_;
}

const Loaded& Loader::load(const std::vector<FileText>& files) {
  ++loads_;
  loaded_.changed.clear();
  std::vector<const FileText*> fresh;
  for (const FileText& file : files) {
    if (take(file)) fresh.push_back(&file);
  }
  if (cache_.size() > files.size()) {
    std::erase_if(cache_, [this](const auto& entry) {
      if (entry.second.seen == loads_) return false;
      remove_objects(entry.first, entry.second);
      return true;
    });
  }
  bool alone = duplicates_.empty();
  for (const FileText* file : fresh) {
    if (alone) alone = add_objects(file->path, cache_.at(file->path));
  }
  if (!alone) rebuild(files);
  collect(files);
  return loaded_;
}

}  // namespace sluice::config
