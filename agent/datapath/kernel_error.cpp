// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/kernel_error.hpp"

#include <bpf/libbpf.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "agent/base/log.hpp"

namespace sluice::datapath {
namespace {

constexpr std::size_t kLongestMessage = 400;

// libbpf has one print function a process and no context pointer.
thread_local std::string first_warning;

int collect(enum libbpf_print_level level, const char* format, va_list arguments) {
  char text[1024];
  const int length = std::vsnprintf(text, sizeof text, format, arguments);
  if (length <= 0) return 0;
  std::string line(text);
  while (!line.empty() && line.back() == '\n') line.pop_back();
  if (level == LIBBPF_WARN && first_warning.empty())
    first_warning = line.substr(0, kLongestMessage);
  log::debug("datapath", "libbpf: {}", line);
  return 0;
}

}  // namespace

LibbpfMessages::LibbpfMessages() {
  first_warning.clear();
  libbpf_set_print(collect);
}

LibbpfMessages::~LibbpfMessages() { first_warning.clear(); }

std::string LibbpfMessages::first() const { return first_warning; }

tl::unexpected<Error> kernel_failure(std::string what, int number) {
  const int cause = std::abs(number);
  if (cause == EPERM || cause == EACCES) {
    what += ": not permitted. The kernel path needs CAP_BPF and CAP_NET_ADMIN";
    what += " (run as root, or grant both to the agent); without them it serves in userspace only";
    return fail(ErrorCode::kUnsupported, std::move(what));
  }
  return fail_errno(std::move(what), cause);
}

}  // namespace sluice::datapath
