// SPDX-License-Identifier: Apache-2.0
// Which requests are mirrored, and the body that their copies need.
#include <algorithm>
#include <bit>

#include "agent/proxy/context.hpp"
#include "agent/proxy/downstream.hpp"
#include "agent/proxy/filters.hpp"

namespace sluice::proxy {
namespace {

constexpr std::size_t kMostMirrors = 64;  // bits of mirrors_
constexpr std::size_t kKeptCapacity = 8 * 1024;

}  // namespace

void Filters::choose_mirrors(const FilterRequest& request) {
  const auto& mirrors = request.route->route->mirrors;
  for (std::size_t i = 0; i < std::min(mirrors.size(), kMostMirrors); ++i) {
    auto& counter =
        request.context->shares.of(request.route->actions->id, ActionShares::kMirror + i);
    if (counter.next(mirrors[i].share)) mirrors_ |= std::uint64_t{1} << i;
  }
  if (mirrors_ != 0) mirrored_ = &request;
}

void Filters::on_request_body(std::string_view data, bool last) {
  if (mirror_body_.size() + data.size() > Mirrors::kMaxBody) {
    mirrored_->context->report.mirrors_dropped +=
        static_cast<std::uint64_t>(std::popcount(mirrors_));
    mirrored_ = nullptr;
  } else {
    mirror_body_.append(data);
    if (!last) return;
    send_mirrors();
    mirrored_ = nullptr;
  }
  mirror_body_.clear();
  if (mirror_body_.capacity() > kKeptCapacity) mirror_body_.shrink_to_fit();
}

void Filters::send_mirrors() {
  Context& context = *mirrored_->context;
  const auto& sets = mirrored_->listener->mirror_sets.at(mirrored_->route->route_id);
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if ((mirrors_ >> i & 1) == 0) continue;
    Target* const target = mirrored_->generation->pick(sets[i]);
    const auto endpoint = target != nullptr ? target->use->pick({.now = context.reactor.now()})
                                            : std::optional<std::uint32_t>();
    if (endpoint) {
      context.mirrors.send(*mirrored_->downstream, mirror_body_,
                           target->use->mirror_pool(*endpoint));
    } else {
      ++context.report.mirrors_dropped;
    }
  }
}

}  // namespace sluice::proxy
