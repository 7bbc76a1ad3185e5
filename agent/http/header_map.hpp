// SPDX-License-Identifier: Apache-2.0
// HeaderMap: the fields of one message, in order, case kept, duplicates kept. All text lives in one
// arena that clear() keeps, so that a connection in steady state allocates nothing. Views stay
// valid until the next non-const call. Thread: any (owned by one). Invariants: names and values
// passed the codec's checks or come from configuration.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

class HeaderMap {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  void add(std::string_view name, std::string_view value);
  // Replaces the first field of that name and drops the others; adds it at the end when there is
  // none.
  void set(std::string_view name, std::string_view value);
  // Names compare without case (RFC 9110 5.1). Returns how many fields went away.
  std::size_t remove(std::string_view name);
  // Drops the fields for which `drop(Field)` is true, in one pass. Returns how many.
  template <typename Predicate>
  std::size_t remove_if(Predicate drop) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (!drop(at(i))) fields_[kept++] = fields_[i];
    }
    const std::size_t dropped = fields_.size() - kept;
    fields_.resize(kept);
    return dropped;
  }
  // Of the field that was added last, with nothing set since: drops it; appends to its value.
  void drop_last();
  void extend_last(std::string_view text);
  void clear();

  [[nodiscard]] std::size_t size() const { return fields_.size(); }
  [[nodiscard]] bool empty() const { return fields_.empty(); }
  [[nodiscard]] Field at(std::size_t index) const;
  // Value of the first field of that name.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
  // Values of all fields of that name joined with ", " (RFC 9110 5.3); nullopt when there is none.
  [[nodiscard]] std::optional<std::string> get_joined(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return get(name).has_value(); }
  // True when a comma-separated field of that name lists `token` (without case), as in Connection:
  // close.
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;

 private:
  struct Span {
    std::uint32_t name_at, name_size, value_at, value_size;
  };
  // `name` and `value` may be views into this map.
  [[nodiscard]] Span store(std::string_view name, std::string_view value);

  std::string text_;
  std::vector<Span> fields_;
};

}  // namespace sluice::http
