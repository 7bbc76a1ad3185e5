// SPDX-License-Identifier: Apache-2.0
// Error and Result: how every fallible function of the agent reports failure.
// Thread: any. Invariants: an Error always carries a sentence a person can act on.
#pragma once
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace sluice {

enum class ErrorCode {
  kInvalid,      // untrusted or wrong input: say what to write instead
  kNotFound,     // the named thing does not exist
  kUnavailable,  // likely environment error: keep the last good state and retry
  kUnsupported,  // the kernel or this build cannot do it
  kExhausted,    // a bound was reached (map, port range, memory budget)
  kSystem,       // a system call failed
};

struct Error {
  ErrorCode code = ErrorCode::kSystem;
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

// "what: strerror(number)". Pass errno at once: any call may overwrite it.
[[nodiscard]] tl::unexpected<Error> fail_errno(std::string what, int number);

}  // namespace sluice
