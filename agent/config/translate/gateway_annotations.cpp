// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/gateway_annotations.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "agent/base/text.hpp"

namespace sluice::config {
namespace {

constexpr std::string_view kPrefix = "sluice.dev/";

// A number, or one with Ki, Mi or Gi behind it; nullopt for anything else and for 0.
std::optional<std::uint64_t> parse_amount(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number == 0) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  unsigned shift = 0;
  if (unit == "Ki") shift = 10;
  if (unit == "Mi") shift = 20;
  if (unit == "Gi") shift = 30;
  if (shift == 0 && !unit.empty()) return std::nullopt;
  if (number > (std::numeric_limits<std::uint64_t>::max() >> 1U >> shift)) return std::nullopt;
  return number << shift;
}

template <typename T>
struct Word {
  std::string_view name;
  T value;
};

// A value of words, compared without case; `_` counts as `-`, as Istio writes MERGE_SLASHES.
template <typename T, std::size_t N>
std::optional<T> parse_word(const std::array<Word<T>, N>& words, std::string text) {
  std::replace(text.begin(), text.end(), '_', '-');
  for (const Word<T>& word : words) {
    if (equals_ignore_case(word.name, text)) return word.value;
  }
  return std::nullopt;
}

constexpr std::array<Word<model::ForwardedHeaders>, 3> kForwardedHeaders{
    {{"auto", model::ForwardedHeaders::kAuto},
     {"add", model::ForwardedHeaders::kAdd},
     {"none", model::ForwardedHeaders::kNone}}};
constexpr std::array<Word<model::ClientAddress>, 2> kClientAddresses{
    {{"node", model::ClientAddress::kNode}, {"preserve", model::ClientAddress::kPreserve}}};
constexpr std::array<Word<model::PathNormalization>, 4> kNormalizations{
    {{"none", model::PathNormalization::kNone},
     {"base", model::PathNormalization::kBase},
     {"merge-slashes", model::PathNormalization::kMergeSlashes},
     {"decode-and-merge-slashes", model::PathNormalization::kDecodeAndMergeSlashes}}};
constexpr std::array<Word<model::DesyncMode>, 3> kDesyncModes{
    {{"monitor", model::DesyncMode::kMonitor},
     {"defensive", model::DesyncMode::kDefensive},
     {"strictest", model::DesyncMode::kStrictest}}};
constexpr std::array<Word<bool>, 1> kProxyProtocols{{{"accept", true}}};

class Reader {
 public:
  // `path`: of the map of annotations.
  Reader(const DecodeInput& input, std::string path, GatewayAnnotations& out)
      : input_(input), path_(std::move(path)), out_(out) {}

  void read(const std::string& name, const Annotation& annotation) {
    const std::string key = name.substr(kPrefix.size());
    const std::string& text = annotation.value;
    if (key == "steer-after") {
      keep(out_.steer_after, model::SteerAfter::parse(text), name, annotation,
           "`{}` says not when to steer a connection",
           "write `never`, `auto` or a number of requests from 1 to 1000000, in quotes");
    } else if (key == "forwarded-headers") {
      keep(out_.forwarded_headers, parse_word(kForwardedHeaders, text), name, annotation,
           "`{}` is not a way to forward headers", "write `auto`, `add` or `none`");
    } else if (key == "client-address") {
      keep(out_.client_address, parse_word(kClientAddresses, text), name, annotation,
           "`{}` says not whose address pods see", "write `node` or `preserve`");
    } else if (key == "path-normalization") {
      keep(out_.path_normalization, parse_word(kNormalizations, text), name, annotation,
           "`{}` is not a way to normalise paths",
           "write `none`, `base`, `merge-slashes` or `decode-and-merge-slashes`");
    } else if (key == "desync-mode") {
      keep(out_.desync_mode, parse_word(kDesyncModes, text), name, annotation,
           "`{}` is not a way to read requests", "write `monitor`, `defensive` or `strictest`");
    } else if (key == "max-connections") {
      std::optional<std::uint32_t> number;
      if (const auto amount = parse_amount(text); amount && *amount <= 0x7fffffffU) {
        number = static_cast<std::uint32_t>(*amount);
      }
      keep(out_.max_connections, number, name, annotation, "`{}` is not a number of connections",
           "write a number from 1 to 2147483647, in quotes");
    } else if (key == "max-body-bytes") {
      keep(out_.max_body_bytes, parse_amount(text), name, annotation,
           "`{}` is not a number of bytes", "write such as `1048576` or `1Mi`, in quotes");
    } else if (key == "proxy-protocol") {
      keep(out_.proxy_protocol, parse_word(kProxyProtocols, text), name, annotation,
           "`{}` is not what can be done with PROXY headers", "write `accept`");
    } else {
      report_unknown(name, annotation);
    }
  }

 private:
  [[nodiscard]] std::string path_of(std::string_view name) const {
    return fmt::format("{}[\"{}\"]", path_, name);
  }

  template <typename T>
  void keep(Boxed<Annotated<T>>& out, const std::optional<T>& value, const std::string& name,
            const Annotation& annotation, fmt::format_string<const std::string&> wrong,
            const char* hint) {
    if (value) {
      if (!out) out = Annotated<T>{*value, input_.origin(annotation.mark, path_of(name))};
    } else {
      input_.report.error(annotation.mark, path_of(name), "bad_annotation",
                          fmt::format(wrong, annotation.value), hint);
    }
  }

  void report_unknown(const std::string& name, const Annotation& annotation) {
    static constexpr std::array<std::string_view, 8> kNames{
        "sluice.dev/steer-after",        "sluice.dev/forwarded-headers",
        "sluice.dev/path-normalization", "sluice.dev/desync-mode",
        "sluice.dev/max-connections",    "sluice.dev/max-body-bytes",
        "sluice.dev/proxy-protocol",     "sluice.dev/client-address"};
    const std::string meant = closest(name, kNames);
    input_.report.error(annotation.mark, path_of(name), "bad_annotation",
                        fmt::format("no annotation `{}` exists", name),
                        meant.empty() ? std::string() : fmt::format("did you mean `{}`?", meant));
  }

  const DecodeInput& input_;
  std::string path_;
  GatewayAnnotations& out_;
};

class Merger {
 public:
  Merger(model::Listener& listener, Diagnostics& diagnostics)
      : listener_(listener), diagnostics_(diagnostics) {}

  // `stricter(a, b)`: a wins over b although it comes later.
  template <typename T, typename Stricter>
  void merge(std::optional<T>& kept, const Boxed<Annotated<T>>& more, Stricter stricter) {
    if (!more) return;
    if (!kept) {
      kept = more->value;
    } else if (!(*kept == more->value)) {
      const bool later = stricter(more->value, *kept);
      add_warning(diagnostics_, more->origin, "annotation_conflict",
                  later ? fmt::format("gateway {} sets another value for {}; this one is stricter "
                                      "and wins",
                                      listener_.gateways.front(), listener_.name)
                        : fmt::format("gateway {} comes first and sets another value for {}, which "
                                      "wins",
                                      listener_.gateways.front(), listener_.name),
                  "give both the same value");
      if (later) kept = more->value;
    }
  }

 private:
  model::Listener& listener_;
  Diagnostics& diagnostics_;
};

}  // namespace

GatewayAnnotations read_gateway_annotations(const DecodeInput& input) {
  GatewayAnnotations out;
  Reader reader(input, "metadata.annotations", out);
  for (const auto& [name, annotation] : input.metadata.annotations) {
    if (name.starts_with(kPrefix)) reader.read(name, annotation);
  }
  return out;
}

void read_more_annotations(const DecodeInput& input, const Located& annotations,
                           GatewayAnnotations& out) {
  Reader reader(input, annotations.path, out);
  for (const Member& member : annotations.node->members) {
    if (member.key.starts_with(kPrefix)) {
      reader.read(member.key, {member.value.scalar, member.value.mark});
    }
  }
}

void merge_annotations(model::Listener& listener, const GatewayAnnotations& more,
                       Diagnostics& diagnostics) {
  const auto first = [](const auto&, const auto&) { return false; };
  const auto larger = [](const auto& a, const auto& b) { return a > b; };
  const auto smaller = [](const auto& a, const auto& b) { return a < b; };
  Merger merger(listener, diagnostics);
  merger.merge(listener.steer_after, more.steer_after, first);
  merger.merge(listener.forwarded_headers, more.forwarded_headers, first);
  merger.merge(listener.client_address, more.client_address, first);
  merger.merge(listener.path_normalization, more.path_normalization, larger);
  merger.merge(listener.desync_mode, more.desync_mode, larger);
  merger.merge(listener.max_connections, more.max_connections, smaller);
  merger.merge(listener.max_body_bytes, more.max_body_bytes, smaller);
  listener.proxy_protocol = listener.proxy_protocol || more.proxy_protocol.has_value();
}

}  // namespace sluice::config
