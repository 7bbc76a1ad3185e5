// SPDX-License-Identifier: Apache-2.0
// bench_http: nanoseconds and allocations a message for the HTTP/1 codec, in the steady state of a
// kept-alive connection. Run by hand. Thread: main.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "agent/http/h1_codec.hpp"
#include "tests/http/allocation_count.hpp"

namespace sluice::http {
namespace {

// A curl-like head of 4 fields, and a browser-like one of 11 with a cookie.
const std::string kSmall =
    "GET /api/v1/items?id=42 HTTP/1.1\r\nHost: echo.example.com\r\nUser-Agent: curl/7.88.1\r\n"
    "Accept: */*\r\nX-Request-Id: 4f6f1c2e\r\n\r\n";
const std::string kFields =
    "Host: echo.example.com\r\nConnection: keep-alive\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9,de;q=0.8\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes\r\n"
    "X-Forwarded-For: 192.0.2.7\r\nX-Request-Id: 4f6f1c2e-0d9b-4a55-9a0e-8a1f5f0c2b11\r\n"
    "Referer: http://echo.example.com/index.html\r\n";
const std::string kBrowser = "GET /assets/app.js?v=3 HTTP/1.1\r\n" + kFields + "\r\n";
const std::string kLength =
    "POST /api HTTP/1.1\r\n" + kFields + "Content-Length: 16\r\n\r\n0123456789abcdef";
const std::string kChunked =
    "POST /api HTTP/1.1\r\n" + kFields +
    "Transfer-Encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
const std::string kResponse =
    "HTTP/1.1 200 OK\r\nServer: echo\r\nDate: Tue, 02 Jan 2024 03:04:05 GMT\r\n"
    "Content-Type: application/json\r\nContent-Length: 16\r\nCache-Control: no-store\r\n"
    "ETag: \"33a64df5\"\r\n\r\n0123456789abcdef";

template <typename Parser>
void consume(Parser& parser, std::string_view bytes) {
  std::size_t done = 0;
  while (true) {
    const H1Progress progress = parser.next(bytes.substr(done));
    done += progress.consumed;
    if (progress.event == H1Event::kComplete) return;
    if (progress.event == H1Event::kError || progress.event == H1Event::kNeedMore) std::abort();
  }
}

void report(benchmark::State& state, std::size_t before, std::size_t bytes) {
  state.counters["allocations"] = static_cast<double>(testing::allocation_count() - before) /
                                  static_cast<double>(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void parse_request(benchmark::State& state, const std::string& bytes) {
  H1RequestParser parser;
  consume(parser, bytes);
  const std::size_t before = testing::allocation_count();
  for (auto _ : state) {
    parser.reset();
    consume(parser, bytes);
  }
  report(state, before, bytes.size());
}

void parse_response(benchmark::State& state, const std::string& bytes) {
  H1ResponseParser parser;
  const std::size_t before = testing::allocation_count();
  for (auto _ : state) {
    parser.reset("GET");
    consume(parser, bytes);
  }
  report(state, before, bytes.size());
}

// What the request tier does to a request's head: parse, strip, write.
void relay_request(benchmark::State& state, const std::string& bytes) {
  H1RequestParser parser;
  std::string out;
  const std::size_t before = testing::allocation_count();
  for (auto _ : state) {
    parser.reset();
    consume(parser, bytes);
    strip_hop_by_hop(parser.head().headers);
    out.clear();
    write_request_head(parser.head(), out);
    benchmark::DoNotOptimize(out.data());
  }
  report(state, before, bytes.size());
}

void chunked_body(benchmark::State& state) {
  std::string bytes = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string data(static_cast<std::size_t>(state.range(0)), 'x');
  while (bytes.size() < 1024 * 1024) write_chunk(data, bytes);
  write_last_chunk(bytes);
  parse_request(state, bytes);
}

BENCHMARK_CAPTURE(parse_request, small, kSmall);
BENCHMARK_CAPTURE(parse_request, browser, kBrowser);
BENCHMARK_CAPTURE(parse_request, length, kLength);
BENCHMARK_CAPTURE(parse_request, chunked, kChunked);
BENCHMARK_CAPTURE(parse_response, length, kResponse);
BENCHMARK_CAPTURE(relay_request, browser, kBrowser);
BENCHMARK(chunked_body)->Arg(16)->Arg(1024)->Arg(16384);

}  // namespace
}  // namespace sluice::http

BENCHMARK_MAIN();
