// SPDX-License-Identifier: Apache-2.0
#include "agent/app/reasons.hpp"

#include <algorithm>

namespace sluice::app {
namespace {

using Counts = google::protobuf::RepeatedPtrField<v1::ReasonCount>;

void add(Counts& to, const char* reason, std::uint64_t count, const char* action = "") {
  if (count == 0) return;
  v1::ReasonCount& entry = *to.Add();
  entry.set_reason(reason);
  entry.set_count(count);
  entry.set_action(action);
}

void sort(Counts& counts) {
  std::stable_sort(counts.begin(), counts.end(),
                   [](const auto& a, const auto& b) { return a.count() > b.count(); });
}

// Reason: proxy::Ending or proxy::Refusal.
template <typename Reason, typename Field>
void add_all(const StatusInput& input, Field field, Counts& to) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(Reason::kCount); ++i) {
    std::uint64_t sum = 0;
    for (const proxy::WorkerReport& worker : input.workers) sum += (worker.*field)[i];
    add(to, label_of(static_cast<Reason>(i)), sum);
  }
  sort(to);
}

}  // namespace

void add_reasons(const StatusInput& input, v1::StatusReply& reply) {
  add_all<proxy::Ending>(input, &proxy::WorkerReport::endings, *reply.mutable_endings());
  add_all<proxy::Refusal>(input, &proxy::WorkerReport::refusals, *reply.mutable_refusals());
  for (std::size_t i = 0; i < http::kH1Reasons; ++i) {
    const auto reason = static_cast<http::H1Reason>(i);
    for (std::size_t action = 0; action < http::kDesyncActions; ++action) {
      std::uint64_t sum = 0;
      for (const proxy::WorkerReport& worker : input.workers)
        sum += worker.desync.counts[i][action];
      add(*reply.mutable_findings(), http::info_of(reason).code, sum,
          label_of(static_cast<http::DesyncAction>(action)));
    }
  }
  sort(*reply.mutable_findings());
}

}  // namespace sluice::app
