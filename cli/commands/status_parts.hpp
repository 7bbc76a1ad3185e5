// SPDX-License-Identifier: Apache-2.0
// The sections of `lbctl status`, each empty text when there is nothing to say. Thread: main.
#pragma once
#include <string>

#include "agent/control/control.pb.h"
#include "cli/render/style.hpp"

namespace sluice::cli::status_parts {

namespace v1 = control::v1;

[[nodiscard]] std::string summary(const v1::StatusReply& reply, const Painter& paint);
// One line of the summary.
[[nodiscard]] std::string access_log(const v1::StatusReply& reply, const Painter& paint);
[[nodiscard]] std::string api(const v1::StatusReply& reply, const Painter& paint);
[[nodiscard]] std::string diagnostics(const v1::StatusReply& reply, const Painter& paint);
[[nodiscard]] std::string conditions(const v1::StatusReply& reply, const Painter& paint);
[[nodiscard]] std::string listeners(const v1::StatusReply& reply, const Painter& paint);
[[nodiscard]] std::string clusters(const v1::StatusReply& reply, const Painter& paint);
[[nodiscard]] std::string endpoints(const v1::StatusReply& reply, const Painter& paint);
[[nodiscard]] std::string workers(const v1::StatusReply& reply, const Painter& paint);
[[nodiscard]] std::string interfaces(const v1::StatusReply& reply, const Painter& paint);
[[nodiscard]] std::string maps(const v1::StatusReply& reply, const Painter& paint);
[[nodiscard]] std::string reasons(const v1::StatusReply& reply, const Painter& paint);
[[nodiscard]] std::string probes(const v1::StatusReply& reply, const Painter& paint);

}  // namespace sluice::cli::status_parts
