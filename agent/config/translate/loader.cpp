// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/loader.hpp"

#include <fmt/core.h>

#include <functional>

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

void Loader::add_file(const std::string& path, const DecodedFile& file, Loaded& out) const {
  Diagnostics copy = file.diagnostics;
  append(out.diagnostics, std::move(copy));
  if (file.unreadable > 0) out.broken_files.insert(path);
  out.nameless += file.unreadable;
  for (const Decoded& decoded : file.objects) {
    if (!decoded.key) {
      out.broken_files.insert(path);
      ++out.nameless;
      continue;
    }
    const auto [place, added] =
        out.objects.try_emplace(*decoded.key, Candidate{path, decoded.origin, decoded.spec});
    if (added) continue;
    ++out.nameless;
    add_error(out.diagnostics, decoded.origin, "duplicate_object",
              fmt::format("the object is already defined at {}, which counts",
                          model::location(place->second.origin)),
              "remove one of them");
  }
}

Loaded Loader::load(const std::vector<FileText>& files) {
  Loaded out;
  std::map<std::string, DecodedFile> next;
  for (const FileText& file : files) {
    if (!file.text) {
      const bool size = file.text.error().code == ErrorCode::kExhausted;
      out.broken_files.insert(file.path);
      ++out.nameless;
      add_error(out.diagnostics, {file.path, 0, 0, {}, {}},
                size ? "file_too_large" : "file_unreadable", file.text.error().message);
      continue;
    }
    const std::size_t hash = std::hash<std::string>{}(*file.text);
    const auto cached = cache_.find(file.path);
    DecodedFile& decoded = next[file.path];
    if (cached != cache_.end() && cached->second.hash == hash &&
        cached->second.size == file.text->size()) {
      decoded = std::move(cached->second);
    } else {
      decoded = decode_file(file.path, *file.text);
      decoded.hash = hash;
      decoded.size = file.text->size();
    }
    add_file(file.path, decoded, out);
  }
  cache_ = std::move(next);
  return out;
}

}  // namespace sluice::config
