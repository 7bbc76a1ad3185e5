// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/stream.hpp"

#include "agent/proxy/h1_options.hpp"
#include "agent/proxy/session.hpp"

namespace sluice::proxy {
namespace {

constexpr std::size_t kCopyLimit =
    4096;  // below it one copy is cheaper than a second piece for the kernel
constexpr std::size_t kKeptCapacity = 64 * 1024;

}  // namespace

Stream::Stream(Context& context)
    : context_(context), request_(context.options.http), response_(context.options.http.limits) {}

Stream::~Stream() = default;

void Stream::begin(Session& session) {
  session_ = &session;
  request_.reset();
  request_.configure(h1_options(context_.options.http, session.listener()));
  phase_ = Phase::kHead;
  attempts_ = 0;
  request_done_ = response_began_ = upstream_keep_ = keep_alive_ = false;
  answer_body_ = http::BodyKind::kNone;
}

void Stream::end() {
  upstream_.reset();
  target_ = nullptr;
  pool_ = nullptr;
  listener_ = nullptr;
  body_.clear();
  raw_.clear();
  if (body_.capacity() > kKeptCapacity) body_.shrink_to_fit();
  if (generation_ != nullptr) context_.release_generation(generation_);
  generation_ = nullptr;
  phase_ = Phase::kDone;
}

bool Stream::step() {
  switch (phase_) {
    case Phase::kPromote:
      return step_promote();
    case Phase::kRelay:
      return relay();
    case Phase::kHead:
    case Phase::kDone:
      break;
  }
  return false;
}

bool Stream::settle() { return upstream_ == nullptr || upstream_->watch(); }

TimePoint Stream::deadline(TimePoint last_progress) const {
  const WorkerOptions& options = context_.options;
  if (phase_ == Phase::kHead) return last_progress + options.head_timeout;
  if (upstream_ != nullptr && !upstream_->known_connected()) {
    return attached_at_ + options.connect_timeout;
  }
  return last_progress + options.stream_timeout;
}

std::string_view Stream::frame(http::BodyKind kind, std::string_view data, std::string& text) {
  if (kind == http::BodyKind::kChunked) {
    http::write_chunk(data, text);
    return {};
  }
  if (data.size() > kCopyLimit) return data;
  text.append(data);
  return {};
}

}  // namespace sluice::proxy
