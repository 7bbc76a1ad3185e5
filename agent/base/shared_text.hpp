// SPDX-License-Identifier: Apache-2.0
// SharedText: text that does not change, eight bytes wherever it stands, because equal ones are one object. For what
// thousands of configured objects repeat: names of files, objects, fields, clusters and places.
// Thread: any. Invariants: equal texts have equal nodes; a node goes with the last SharedText that names it. Making one
// from other text takes a lock, so not per request; copies and comparisons take none.
#pragma once
#include <fmt/core.h>

#include <atomic>
#include <compare>
#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

class SharedText {
 public:
  // What reads as text and is no SharedText.
  template <typename T>
  static constexpr bool kOther =
      std::convertible_to<const T&, std::string_view> && !std::same_as<T, SharedText>;

  SharedText() = default;
  template <typename T>
    requires(kOther<T>)
  SharedText(const T& text) : node_(find_or_make(text)) {}
  SharedText(const SharedText& other) : node_(other.node_) {
    if (node_ != nullptr) node_->users.fetch_add(1, std::memory_order_relaxed);
  }
  SharedText(SharedText&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  SharedText& operator=(SharedText other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~SharedText() {
    if (node_ != nullptr) release(node_);
  }

  [[nodiscard]] const std::string& str() const { return node_ == nullptr ? kNone : node_->text; }
  operator const std::string&() const { return str(); }
  operator std::string_view() const { return str(); }
  [[nodiscard]] bool empty() const { return node_ == nullptr; }

  bool operator==(const SharedText& other) const { return node_ == other.node_; }
  template <typename T>
    requires(kOther<T>)
  bool operator==(const T& text) const {
    return std::string_view(str()) == std::string_view(text);
  }
  // By text.
  std::strong_ordering operator<=>(const SharedText& other) const { return str() <=> other.str(); }

  // How many different texts there are. For tests.
  [[nodiscard]] static std::size_t count();

 private:
  friend struct std::hash<SharedText>;
  struct Node {
    std::atomic<std::uint32_t> users;
    const std::string text;
  };
  class Pool;

  [[nodiscard]] static Pool& pool();
  [[nodiscard]] static Node* find_or_make(std::string_view text);
  static void release(Node* node);

  static inline const std::string kNone{};
  Node* node_ = nullptr;  // null: no text
};

}  // namespace sluice

template <>
struct std::hash<sluice::SharedText> {
  std::size_t operator()(const sluice::SharedText& text) const noexcept {
    return std::hash<const void*>()(text.node_);
  }
};

template <>
struct fmt::formatter<sluice::SharedText> : fmt::formatter<fmt::string_view> {
  fmt::format_context::iterator format(const sluice::SharedText& text,
                                       fmt::format_context& context) const;
};
