// SPDX-License-Identifier: Apache-2.0
// How the agent follows its cluster, for lbctl and for metrics. Pure. Thread: any.
#pragma once
#include "agent/app/metrics_parts.hpp"
#include "agent/cluster/member.hpp"
#include "agent/config/source/kube_source.hpp"
#include "agent/control/control.pb.h"

namespace sluice::app {

// "synced", "starting", "absent", "forbidden", "failing"
[[nodiscard]] const char* name_of(config::KubeWatch::Health health);

void fill(const config::KubeStatus& from, control::v1::ApiSource& to);
void fill(const cluster::MemberStatus& from, control::v1::ApiMember& to);
void add_cluster(const std::optional<config::KubeStatus>& status, Families& out);
void add_member(const std::optional<cluster::MemberStatus>& status, Families& out);

}  // namespace sluice::app
