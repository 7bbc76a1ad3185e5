// SPDX-License-Identifier: Apache-2.0
// Buffer: bytes that wait, contiguous, appended behind and consumed in front. Has memory only while it is in use, so
// that an idle connection costs none; the total of a worker's buffers is kept in a gauge.
// Callers: Channel, Stream. Thread: worker. Invariants: views stay valid until the next append, writable or release.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace sluice::proxy {

class Buffer {
 public:
  // `gauge` is raised and lowered by the bytes allocated; it must outlive the buffer.
  explicit Buffer(std::uint64_t& gauge) : gauge_(&gauge) {}
  ~Buffer() { release(); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::string_view view() const { return {data_.get() + begin_, size()}; }

  // Room of at least `size` bytes behind the content; commit() what was written there.
  [[nodiscard]] std::span<char> writable(std::size_t size);
  void commit(std::size_t size) { end_ += size; }
  void append(std::string_view bytes);
  void consume(std::size_t size);      // from the front; keeps the memory
  void clear() { begin_ = end_ = 0; }  // keeps the memory
  void park();     // drops the content; the memory is kept but not counted until it is used again
  void release();  // drops content and memory

 private:
  std::uint64_t* gauge_;
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool parked_ = false;
};

}  // namespace sluice::proxy
