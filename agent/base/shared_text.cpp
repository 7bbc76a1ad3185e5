// SPDX-License-Identifier: Apache-2.0
#include "agent/base/shared_text.hpp"

#include <fmt/format.h>

#include <memory>
#include <unordered_set>

#include "agent/base/thread_role.hpp"

namespace sluice {

class SharedText::Pool {
 public:
  Node* find_or_make(std::string_view text) {
    const MutexLock lock(mutex_);
    if (const auto found = nodes_.find(text); found != nodes_.end()) {
      (*found)->users.fetch_add(1, std::memory_order_relaxed);
      return *found;
    }
    auto node = std::unique_ptr<Node>(new Node{1, std::string(text)});
    nodes_.insert(node.get());
    return node.release();
  }

  // One user less of a node that may have no other.
  void release_last(Node* node) {
    const MutexLock lock(mutex_);
    if (node->users.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    nodes_.erase(node);
    delete node;
  }

  std::size_t count() {
    const MutexLock lock(mutex_);
    return nodes_.size();
  }

 private:
  static std::string_view text_of(std::string_view text) { return text; }
  static std::string_view text_of(const Node* node) { return node->text; }
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const auto& key) const {
      return std::hash<std::string_view>()(text_of(key));
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const { return text_of(a) == text_of(b); }
  };

  Mutex mutex_;
  std::unordered_set<Node*, Hash, Equal> nodes_ LB_GUARDED_BY(mutex_);
};

SharedText::Pool& SharedText::pool() {
  // Never destroyed: objects with static storage may hold texts until the very end.
  static Pool* const pool = new Pool();
  return *pool;
}

SharedText::Node* SharedText::find_or_make(std::string_view text) {
  return text.empty() ? nullptr : pool().find_or_make(text);
}

void SharedText::release(Node* node) {
  // From one to none only under the pool's lock: nobody finds a node there that is about to go.
  std::uint32_t users = node->users.load(std::memory_order_relaxed);
  while (users > 1) {
    if (node->users.compare_exchange_weak(users, users - 1, std::memory_order_acq_rel)) return;
  }
  pool().release_last(node);
}

std::size_t SharedText::count() { return pool().count(); }

}  // namespace sluice

fmt::format_context::iterator fmt::formatter<sluice::SharedText>::format(
    const sluice::SharedText& text, fmt::format_context& context) const {
  return fmt::formatter<fmt::string_view>::format(text.str(), context);
}
