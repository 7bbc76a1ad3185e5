// SPDX-License-Identifier: Apache-2.0
// The operations log: one line an event, as text or JSON, to standard error. The tag is the folder's name.
// Never called per packet, nor per request above debug. Thread: any.
#pragma once
#include <fmt/core.h>

#include <string_view>
#include <utility>

namespace sluice::log {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class Format { kText, kJson };

// Once, before any other thread starts. Colours only when standard error is a terminal.
void configure(Format format, Level level);
[[nodiscard]] bool enabled(Level level);
void write(Level level, std::string_view tag, std::string_view message);

template <typename... Args>
void event(Level level, std::string_view tag, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(level)) write(level, tag, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void debug(std::string_view tag, fmt::format_string<Args...> format, Args&&... args) {
  event(Level::kDebug, tag, format, std::forward<Args>(args)...);
}
template <typename... Args>
void info(std::string_view tag, fmt::format_string<Args...> format, Args&&... args) {
  event(Level::kInfo, tag, format, std::forward<Args>(args)...);
}
template <typename... Args>
void warn(std::string_view tag, fmt::format_string<Args...> format, Args&&... args) {
  event(Level::kWarn, tag, format, std::forward<Args>(args)...);
}
template <typename... Args>
void error(std::string_view tag, fmt::format_string<Args...> format, Args&&... args) {
  event(Level::kError, tag, format, std::forward<Args>(args)...);
}

}  // namespace sluice::log
