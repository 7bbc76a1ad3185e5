// SPDX-License-Identifier: Apache-2.0
// Any bytes as responses to GET, HEAD or CONNECT: no crash, no disagreement with llhttp, the same
// events however they are cut, and what was accepted is accepted again after being written. Thread:
// main.
#include "tests/fuzz/h1_fuzz.hpp"

namespace sluice::http {
namespace {

void check_written(const ResponseHead& head, std::string_view method) {
  ResponseHead forwarded = head;
  strip_hop_by_hop(forwarded.headers);
  std::string written;
  write_response_head(forwarded, head.keep_alive, written);
  H1ResponseParser again;
  again.reset(method);
  const H1Progress progress = again.next(written);
  fuzzing::require(progress.event == H1Event::kHead && progress.consumed == written.size());
  fuzzing::require(again.head().body == head.body && again.head().status == head.status);
  fuzzing::require(again.head().content_length == head.content_length);
}

std::string run(std::string_view bytes, std::string_view method, std::uint32_t seed) {
  H1ResponseParser parser(fuzzing::kLimits);
  parser.reset(method);
  std::string log = fuzzing::drive(
      parser, bytes, seed, [method](const H1ResponseParser& p) { check_written(p.head(), method); },
      [method](H1ResponseParser& p) { p.reset(method); });
  return log + (parser.finish() ? " finished" : " truncated");
}

}  // namespace
}  // namespace sluice::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::uint32_t seed = sluice::http::fuzzing::take_seed(bytes);
  constexpr std::string_view kMethods[] = {"GET", "HEAD", "CONNECT"};
  const std::string_view method = kMethods[seed / 2 % 3];
  using sluice::http::run;
  sluice::http::fuzzing::require(run(bytes, method, 0) == run(bytes, method, seed));
  return 0;
}
