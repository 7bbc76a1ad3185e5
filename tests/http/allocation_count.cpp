// SPDX-License-Identifier: Apache-2.0
// In a file of its own: inlined into a caller, malloc and delete look mismatched to the compiler.
#include "tests/http/allocation_count.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<std::size_t> count{0};
}

void* operator new(std::size_t size) {
  count.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  return memory;
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return operator new(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }

namespace sluice::http::testing {
std::size_t allocation_count() { return count.load(std::memory_order_relaxed); }
}  // namespace sluice::http::testing
