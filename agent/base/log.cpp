// SPDX-License-Identifier: Apache-2.0
#include "agent/base/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <memory>
#include <string>

namespace sluice::log {
namespace {

struct State {
  std::shared_ptr<spdlog::logger> logger =
      std::make_shared<spdlog::logger>("sluice", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  Format format = Format::kText;
};

State& state() {
  static State instance;
  return instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string json_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

// One event is one line: line ends and control characters of untrusted input must not forge another.
std::string one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

}  // namespace

void configure(Format format, Level level) {
  State& s = state();
  s.format = format;
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (format == Format::kText && ::isatty(STDERR_FILENO) != 0) {
    sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  s.logger = std::make_shared<spdlog::logger>("sluice", std::move(sink));
  s.logger->set_level(to_spdlog(level));
  s.logger->flush_on(spdlog::level::debug);
  s.logger->set_pattern(format == Format::kJson
                            ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
                            : "%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v");
}

bool enabled(Level level) { return state().logger->should_log(to_spdlog(level)); }

void write(Level level, std::string_view tag, std::string_view message) {
  const State& s = state();
  if (s.format == Format::kJson) {
    s.logger->log(to_spdlog(level),
                  fmt::format(R"("tag":"{}","message":"{}")", tag, json_escape(message)));
  } else {
    s.logger->log(to_spdlog(level), fmt::format("{:<9} {}", tag, one_line(message)));
  }
}

}  // namespace sluice::log
