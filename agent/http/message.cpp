// SPDX-License-Identifier: Apache-2.0
#include "agent/http/message.hpp"

namespace sluice::http {

void RequestHead::clear() {
  method.clear();
  target.clear();
  path.clear();
  query.clear();
  authority.clear();
  scheme.assign("http");
  minor_version = 1;
  headers.clear();
  body = BodyKind::kNone;
  content_length = 0;
  keep_alive = true;
  expects_continue = false;
  upgrade = false;
  accepts_trailers = isolate = repaired = false;
}

void ResponseHead::clear() {
  status = 0;
  reason.clear();
  minor_version = 1;
  headers.clear();
  body = BodyKind::kNone;
  content_length = 0;
  keep_alive = true;
}

}  // namespace sluice::http
