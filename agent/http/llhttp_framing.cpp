// SPDX-License-Identifier: Apache-2.0
#include "agent/http/llhttp_framing.hpp"

#include <llhttp.h>

namespace sluice::http {
namespace {

int pause(llhttp_t* /*parser*/) { return HPE_PAUSED; }

const llhttp_settings_t* settings() {
  static const llhttp_settings_t kSettings = [] {
    llhttp_settings_t s;
    llhttp_settings_init(&s);
    s.on_headers_complete = pause;
    s.on_chunk_header = pause;
    return s;
  }();
  return &kSettings;
}

}  // namespace

struct LlhttpFraming::Impl {
  llhttp_t parser;
};

LlhttpFraming::LlhttpFraming(Kind kind) : impl_(std::make_unique<Impl>()) {
  llhttp_init(&impl_->parser, kind == Kind::kRequest ? HTTP_REQUEST : HTTP_RESPONSE, settings());
}
LlhttpFraming::~LlhttpFraming() = default;
LlhttpFraming::LlhttpFraming(LlhttpFraming&&) noexcept = default;
LlhttpFraming& LlhttpFraming::operator=(LlhttpFraming&&) noexcept = default;

bool LlhttpFraming::agrees(std::string_view start_line, std::string_view fields, bool chunked,
                           std::uint64_t length) {
  llhttp_t& parser = impl_->parser;
  llhttp_reset(&parser);
  if (llhttp_execute(&parser, start_line.data(), start_line.size()) != HPE_OK) return false;
  const bool complete = llhttp_execute(&parser, fields.data(), fields.size()) == HPE_PAUSED &&
                        llhttp_get_error_pos(&parser) == fields.data() + fields.size();
  return complete && ((parser.flags & F_CHUNKED) != 0) == chunked &&
         ((parser.flags & F_TRANSFER_ENCODING) != 0) == chunked && parser.content_length == length;
}

LlhttpFraming::SizeLine LlhttpFraming::read_size_line(std::string_view input) {
  llhttp_t& parser = impl_->parser;
  llhttp_resume(&parser);
  SizeLine line;
  const llhttp_errno_t code = llhttp_execute(&parser, input.data(), input.size());
  if (code == HPE_OK) {
    line.consumed = input.size();
  } else if (code == HPE_PAUSED) {
    line.complete = true;
    line.size = parser.content_length;
    line.consumed = static_cast<std::size_t>(llhttp_get_error_pos(&parser) - input.data());
  } else if (code == HPE_INVALID_CHUNK_SIZE) {
    line.reason = H1Reason::kInvalidChunkSize;
  } else {
    line.reason = H1Reason::kInvalidChunkExtension;
  }
  return line;
}

bool LlhttpFraming::skip_data(std::string_view data) {
  llhttp_resume(&impl_->parser);
  return llhttp_execute(&impl_->parser, data.data(), data.size()) == HPE_OK;
}

}  // namespace sluice::http
