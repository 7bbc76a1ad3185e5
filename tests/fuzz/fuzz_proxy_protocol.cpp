// SPDX-License-Identifier: Apache-2.0
// Any bytes as the start of a connection: the verdict of a prefix is never taken back, nothing beyond the bound is
// asked for, and what was read is written and read again. Thread: main. A broken rule ends the process.
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/net/proxy_protocol.hpp"

namespace {

using sluice::net::parse_proxy_header;
using sluice::net::ProxyParse;
using State = ProxyParse::State;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_written(const ProxyParse& parse) {
  for (const std::uint8_t version : {std::uint8_t{1}, std::uint8_t{2}}) {
    std::string written;
    sluice::net::write_proxy_header(version, parse.header.addresses, written);
    const ProxyParse again = parse_proxy_header(written);
    require(again.state == State::kHeader && again.consumed == written.size());
    require(again.header.addresses == parse.header.addresses);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ProxyParse whole = parse_proxy_header(bytes);
  require(whole.state != State::kNeedMore || size < sluice::net::kMaxProxyHeader);
  if (whole.state == State::kHeader) {
    require(whole.consumed > 0 && whole.consumed <= size);
    require(whole.consumed <= sluice::net::kMaxProxyHeader);
    check_written(whole);
  }
  for (std::size_t cut = 0; cut < size; cut += 1 + cut / 16) {
    const ProxyParse part = parse_proxy_header(bytes.substr(0, cut));
    if (part.state == State::kNeedMore) continue;
    require(part.state == whole.state && part.consumed == whole.consumed);
  }
  return 0;
}
