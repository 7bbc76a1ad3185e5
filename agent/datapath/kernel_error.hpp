// SPDX-License-Identifier: Apache-2.0
// kernel_failure: turns a failed bpf() call into a sentence, and keeps what libbpf had to say about
// it. Called by every file of this folder that talks to libbpf. Thread: main.
#pragma once
#include <string>

#include "agent/base/error.hpp"

namespace sluice::datapath {

// Collects libbpf's own messages while it lives, instead of letting them reach standard error. Not
// to be nested.
class LibbpfMessages {
 public:
  LibbpfMessages();
  ~LibbpfMessages();
  LibbpfMessages(const LibbpfMessages&) = delete;
  LibbpfMessages& operator=(const LibbpfMessages&) = delete;
  // The first warning, on one line; empty when there was none. It names the cause, later ones its
  // consequences.
  [[nodiscard]] std::string first() const;
};

// `number`: errno, or a negative return value of libbpf. EPERM names the capabilities that are
// missing.
[[nodiscard]] tl::unexpected<Error> kernel_failure(std::string what, int number);

}  // namespace sluice::datapath
