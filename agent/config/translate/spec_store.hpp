// SPDX-License-Identifier: Apache-2.0
// SpecStore: which version of each object is in force, and the last good one, carried from load to load and touched
// only where the files say something new. Called by translator.cpp. Thread: main.
// Invariants: the SpecSet's pointers are valid until the next update(), and those of the update before until forget().
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/config/translate/loader.hpp"
#include "agent/config/translate/registry.hpp"

namespace sluice::config {

class SpecStore {
 public:
  // What an update changed among the specs in force.
  struct Changes {
    bool gateways = false;
    bool registry = false;  // anything that services, their endpoints and their rules are made of
    bool grants = false;    // ReferenceGrants
  };

  // Chooses versions: the newest, or the last good one where that is rejected or its file cannot be read.
  Changes update(const Loaded& loaded);
  // `unlinked`: virtual services whose newest version names what does not exist; it does not become the last good one.
  void remember(const Loaded& loaded, std::set<ObjectKey> unlinked);
  // Lets go of the specs that update() replaced.
  void forget() { replaced_.clear(); }

  [[nodiscard]] SpecSet& specs() { return specs_; }
  [[nodiscard]] const std::set<ObjectKey>& rejected() const { return rejected_; }
  [[nodiscard]] std::size_t size() const { return chosen_.size(); }
  // The version in force; the object is there.
  [[nodiscard]] const SpecPtr& chosen(const ObjectKey& key) const { return chosen_.at(key); }
  // The last good version; null when there is none.
  [[nodiscard]] SpecPtr good(const ObjectKey& key) const;

 private:
  struct Kept {
    std::string file;
    SpecPtr good;  // the last version without an error
  };
  [[nodiscard]] SpecPtr choose(const Loaded& loaded, const ObjectKey& key);
  void replace(const ObjectKey& key, const SpecPtr& next, Changes& changes);
  void index_names();

  std::map<ObjectKey, SpecPtr> chosen_;
  std::map<ObjectKey, Kept> kept_;
  std::set<ObjectKey> rejected_;
  std::set<ObjectKey>
      unsettled_;  // rejected, unlinked or not to be seen: looked at again by each update
  std::set<ObjectKey> touched_;  // by the last update
  std::vector<SpecPtr> replaced_;
  SpecSet specs_;
};

}  // namespace sluice::config
