// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/relay_way.hpp"

#include <sys/socket.h>

namespace sluice::proxy {

// A side that takes no more may have said something before it closed, which the other way still passes on.
bool RelayWay::pump(TimePoint now, TimePoint& progress) {
  if (ended || broken) return false;
  const bool flushed = to.flush();
  if (to.send_failed()) {
    broken = true;
    return true;
  }
  if (flushed) progress = now;
  if (to.has_output()) return flushed;
  const std::string_view read = from.input();
  if (!read.empty()) {
    to.send(read);
    if (bytes != nullptr) *bytes += read.size();
    from.keep(read, read.size());
    progress = now;
    return true;
  }
  if (!from.ended()) return flushed;
  shutdown(to.fd(), SHUT_WR);
  ended = true;
  return true;
}

}  // namespace sluice::proxy
