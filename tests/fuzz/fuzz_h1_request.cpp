// SPDX-License-Identifier: Apache-2.0
// Any bytes as requests: no crash, no disagreement with llhttp, the same events however they are
// cut, in each mode of strictness; and what was accepted is accepted again, with the same framing and
// nothing left to repair, after being written. Thread: main.
#include "tests/fuzz/h1_fuzz.hpp"

namespace sluice::http {
namespace {

void check_written(const RequestHead& head) {
  if (head.minor_version == 0 && head.authority.empty())
    return;  // needs a Host that only the caller knows
  RequestHead forwarded = head;
  strip_hop_by_hop(forwarded.headers);
  std::string written;
  write_request_head(forwarded, written);
  H1RequestParser again;
  const H1Progress progress = again.next(written);
  fuzzing::require(progress.event == H1Event::kHead && progress.consumed == written.size());
  fuzzing::require(!again.head().repaired);
  fuzzing::require(again.head().body == head.body);
  fuzzing::require(again.head().content_length == head.content_length);
  fuzzing::require(again.head().method == head.method && again.head().path == head.path);
  fuzzing::require(again.head().query == head.query && again.head().authority == head.authority);
}

void check_verdict(const H1RequestParser& parser, DesyncMode mode) {
  const DesyncVerdict& verdict = parser.verdict();
  fuzzing::require(mode != DesyncMode::kStrictest || verdict.findings == 0);
  fuzzing::require((verdict.action == DesyncAction::kServeAndClose) == parser.head().isolate);
  fuzzing::require(!parser.head().isolate || !parser.head().keep_alive);
}

std::string run(std::string_view bytes, std::uint32_t seed, DesyncMode mode) {
  H1Options options{.limits = fuzzing::kLimits, .mode = mode};
  options.limits.body_bytes = 48;
  H1RequestParser parser(options);
  return fuzzing::drive(
      parser, bytes, seed,
      [mode](const H1RequestParser& p) {
        check_verdict(p, mode);
        check_written(p.head());
      },
      [](H1RequestParser& p) { p.reset(); });
}

void check(std::string_view bytes, std::uint32_t seed) {
  for (const DesyncMode mode :
       {DesyncMode::kMonitor, DesyncMode::kDefensive, DesyncMode::kStrictest}) {
    fuzzing::require(run(bytes, 0, mode) == run(bytes, seed, mode));
  }
}

}  // namespace
}  // namespace sluice::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::uint32_t seed = sluice::http::fuzzing::take_seed(bytes);
  sluice::http::check(bytes, seed);
  return 0;
}
