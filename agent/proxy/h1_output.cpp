// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/h1_output.hpp"

namespace sluice::proxy {
namespace {

// Below it one copy is cheaper than a second piece for the kernel.
constexpr std::size_t kCopyLimit = 4096;

}  // namespace

std::string& H1Output::text() {
  if (text_ == nullptr) {
    if (shared_.user == nullptr) shared_.user = this;
    text_ = shared_.user == this ? &shared_.text : &own_;
    text_->clear();
  }
  text_->append(tail_);
  tail_ = {};
  return *text_;
}

void H1Output::body(http::BodyKind kind, std::string_view data) {
  std::string& text = this->text();
  if (kind == http::BodyKind::kChunked) {
    http::write_chunk(data, text);
  } else if (data.size() > kCopyLimit) {
    tail_ = data;
  } else {
    text.append(data);
  }
}

// Trailers only exist in chunked bodies; elsewhere they are dropped (RFC 9110 6.5.1).
void H1Output::end(http::BodyKind kind, const http::HeaderMap* trailers) {
  if (kind != http::BodyKind::kChunked) return;
  if (trailers != nullptr) {
    http::write_last_chunk(*trailers, text());
  } else {
    http::write_last_chunk(text());
  }
}

void H1Output::flush(Channel& channel) {
  if (text_ == nullptr) return;
  channel.send(*text_, tail_);
  discard();
}

void H1Output::discard() {
  if (shared_.user == this) shared_.user = nullptr;
  if (text_ == &own_) std::string().swap(own_);
  text_ = nullptr;
  tail_ = {};
}

}  // namespace sluice::proxy
