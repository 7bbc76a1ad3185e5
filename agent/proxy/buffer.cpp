// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/buffer.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::proxy {
namespace {
constexpr std::size_t kSmallest = 1024;
}

std::span<char> Buffer::writable(std::size_t size) {
  const std::size_t content = this->size();
  if (parked_) *gauge_ += capacity_;
  parked_ = false;
  if (capacity_ - end_ < size) {
    if (capacity_ - content >= size) {
      std::memmove(data_.get(), data_.get() + begin_, content);
    } else {
      const std::size_t capacity = std::max({kSmallest, capacity_ * 2, content + size});
      auto data = std::make_unique_for_overwrite<char[]>(capacity);
      if (content != 0) std::memcpy(data.get(), data_.get() + begin_, content);
      *gauge_ += capacity - capacity_;
      data_ = std::move(data);
      capacity_ = capacity;
    }
    begin_ = 0;
    end_ = content;
  }
  return {data_.get() + end_, capacity_ - end_};
}

void Buffer::append(std::string_view bytes) {
  if (bytes.empty()) return;
  std::memcpy(writable(bytes.size()).data(), bytes.data(), bytes.size());
  commit(bytes.size());
}

void Buffer::consume(std::size_t size) {
  begin_ += size;
  if (begin_ == end_) begin_ = end_ = 0;
}

void Buffer::park() {
  clear();
  if (!parked_) *gauge_ -= capacity_;
  parked_ = true;
}

void Buffer::release() {
  if (!parked_) *gauge_ -= capacity_;
  data_.reset();
  capacity_ = begin_ = end_ = 0;
  parked_ = false;
}

}  // namespace sluice::proxy
