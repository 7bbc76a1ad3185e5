// SPDX-License-Identifier: Apache-2.0
// ObjectCache: the objects that the API server sent last, in one file that is appended to, so that an agent which
// starts while the server is away serves what was in force. A record that is damaged ends what is believed of the
// file. Callers: KubeSource. Thread: kube. Invariants: never throws; what cannot be written costs the cache, not the
// agent; a file of another cluster is not read; the file holds about twice what is in it at most.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"

namespace sluice::config {

class ObjectCache {
 public:
  using See = std::function<void(const std::string& path, std::string text)>;

  // `cluster`: what tells this one from others. Gives every object to `see`, and goes on from there. Makes the
  // directory; an unusable file is replaced, which damage() tells.
  static Result<ObjectCache> open(const std::string& directory, const std::string& cluster,
                                  const See& see);

  // Replaces or adds; `path` has no line end. Errors are kept for trouble().
  void put(const std::string& path, std::string_view text);
  void remove(const std::string& path);
  // The server has confirmed all of it just now.
  void confirm();

  [[nodiscard]] std::size_t objects() const { return live_.size(); }
  // When the server had last confirmed what was read at open(); the epoch: never, or nothing was there.
  [[nodiscard]] std::chrono::system_clock::time_point confirmed_at() const { return confirmed_at_; }
  [[nodiscard]] const std::string& damage() const { return damage_; }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  struct Place {
    std::uint64_t offset = 0;  // of the record
    std::uint64_t size = 0;    // of the record
  };

  ObjectCache(std::string path, std::string cluster)
      : path_(std::move(path)), header_("sluice-cache 1 " + std::move(cluster) + "\n") {}
  Result<void> load(const See& see);
  Result<void> start_anew();
  void append(char kind, const std::string& path, std::string_view text);
  Result<void> compact();

  std::string path_;
  std::string header_;
  UniqueFd file_;
  std::unordered_map<std::string, Place> live_;
  std::uint64_t end_ = 0;        // of the file
  std::uint64_t live_size_ = 0;  // of the records that count
  std::chrono::system_clock::time_point confirmed_at_{};
  std::string damage_;
  std::string trouble_;
};

}  // namespace sluice::config
