// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/regex.hpp"

#include <re2/re2.h>

#include "agent/routing/route_table.hpp"

namespace sluice::routing {
namespace {

// Expressions are configuration, but of many teams: one must not take the node's memory.
constexpr std::size_t kMaxExpression = 16 * 1024;

re2::RE2::Options options() {
  re2::RE2::Options out;
  out.set_log_errors(false);  // the caller reports them with file and line
  out.set_max_mem(Regex::kMaxMemory);
  out.set_never_capture(true);
  return out;
}

}  // namespace

Regex::Regex(std::unique_ptr<re2::RE2> compiled) : compiled_(std::move(compiled)) {}
Regex::~Regex() = default;

Result<std::shared_ptr<const Regex>> Regex::compile(std::string_view expression) {
  if (expression.size() > kMaxExpression) {
    return fail(ErrorCode::kInvalid, "regular expression of " + std::to_string(expression.size()) +
                                         " bytes is too long: the limit is " +
                                         std::to_string(kMaxExpression));
  }
  auto compiled =
      std::make_unique<re2::RE2>(re2::StringPiece(expression.data(), expression.size()), options());
  if (!compiled->ok()) {
    std::string message = "\"" + std::string(expression) + "\" is no RE2 regular expression: ";
    message += compiled->error();
    if (compiled->error_code() == re2::RE2::ErrorPatternTooLarge) {
      message += "; write a smaller repetition count";
    } else if (compiled->error_code() == re2::RE2::ErrorBadPerlOp) {
      message += "; RE2 has no look-around (?=, ?!, ?<) and no back references";
    }
    return fail(ErrorCode::kInvalid, std::move(message));
  }
  return std::shared_ptr<const Regex>(new Regex(std::move(compiled)));
}

bool Regex::matches(std::string_view text) const {
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

Result<std::shared_ptr<const Regex>> RegexPool::get(const std::string& expression) {
  if (const auto found = compiled_.find(expression); found != compiled_.end()) return found->second;
  auto compiled = Regex::compile(expression);
  if (compiled) compiled_.emplace(expression, *compiled);
  return compiled;
}

std::optional<std::string> check_regex(std::string_view expression) {
  const auto compiled = Regex::compile(expression);
  if (compiled) return std::nullopt;
  return compiled.error().message;
}

std::optional<std::string> check_rewrite(std::string_view pattern, std::string_view substitution) {
  if (auto wrong = check_regex(pattern)) return wrong;
  re2::RE2::Options capturing = options();
  capturing.set_never_capture(false);
  const re2::RE2 compiled(re2::StringPiece(pattern.data(), pattern.size()), capturing);
  std::string error;
  if (compiled.CheckRewriteString(re2::StringPiece(substitution.data(), substitution.size()),
                                  &error)) {
    return std::nullopt;
  }
  return error;
}

}  // namespace sluice::routing
