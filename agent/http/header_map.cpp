// SPDX-License-Identifier: Apache-2.0
#include "agent/http/header_map.hpp"

#include <functional>

#include "agent/base/text.hpp"

namespace sluice::http {

void HeaderMap::add(std::string_view name, std::string_view value) {
  fields_.push_back(store(name, value));
}

HeaderMap::Span HeaderMap::store(std::string_view name, std::string_view value) {
  // The second append would read freed memory if `value` pointed into text_ and the first one moved
  // it.
  const std::less<const char*> before;
  const bool aliased =
      !before(value.data(), text_.data()) && before(value.data(), text_.data() + text_.size());
  if (aliased && text_.capacity() - text_.size() < name.size() + value.size()) {
    return store(std::string(name), std::string(value));
  }
  const auto at = static_cast<std::uint32_t>(text_.size());
  const auto name_size = static_cast<std::uint32_t>(name.size());
  text_.append(name);
  text_.append(value);
  return {at, name_size, at + name_size, static_cast<std::uint32_t>(value.size())};
}

void HeaderMap::set(std::string_view name, std::string_view value) {
  const Span stored = store(name, value);
  const std::string_view key(text_.data() + stored.name_at, stored.name_size);
  std::size_t kept = 0;
  bool replaced = false;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (!equals_ignore_case(at(i).name, key)) {
      fields_[kept++] = fields_[i];
    } else if (!replaced) {
      fields_[kept++] = stored;
      replaced = true;
    }
  }
  fields_.resize(kept);
  if (!replaced) fields_.push_back(stored);
}

std::size_t HeaderMap::remove(std::string_view name) {
  return remove_if([name](const Field& field) { return equals_ignore_case(field.name, name); });
}

void HeaderMap::drop_last() {
  text_.resize(fields_.back().name_at);
  fields_.pop_back();
}

void HeaderMap::extend_last(std::string_view text) {
  text_.append(text);
  fields_.back().value_size += static_cast<std::uint32_t>(text.size());
}

void HeaderMap::clear() {
  text_.clear();
  fields_.clear();
}

HeaderMap::Field HeaderMap::at(std::size_t index) const {
  const Span& span = fields_[index];
  return {{text_.data() + span.name_at, span.name_size},
          {text_.data() + span.value_at, span.value_size}};
}

std::optional<std::string_view> HeaderMap::get(std::string_view name) const {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].name_size != name.size()) continue;
    const Field field = at(i);
    if (equals_ignore_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::optional<std::string> HeaderMap::get_joined(std::string_view name) const {
  std::optional<std::string> joined;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const Field field = at(i);
    if (!equals_ignore_case(field.name, name)) continue;
    if (joined) {
      joined->append(", ").append(field.value);
    } else {
      joined.emplace(field.value);
    }
  }
  return joined;
}

bool HeaderMap::has_token(std::string_view name, std::string_view token) const {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const Field field = at(i);
    if (!equals_ignore_case(field.name, name)) continue;
    for (std::string_view rest = field.value; rest.data() != nullptr;) {
      const std::size_t comma = rest.find(',');
      if (equals_ignore_case(trim(rest.substr(0, comma)), token)) return true;
      rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
  }
  return false;
}

}  // namespace sluice::http
