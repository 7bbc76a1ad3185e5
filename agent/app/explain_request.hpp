// SPDX-License-Identifier: Apache-2.0
// From `lbctl explain METHOD URL -H ...` to the head that a worker would see: written out as a client would and read by
// the codec of the data path, so that explain refuses what a worker refuses. Pure. Thread: any.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/control/control.pb.h"
#include "agent/http/message.hpp"

namespace sluice::app {

struct ExplainTarget {
  std::optional<IpAddress> ip;  // when the URL's host is an address
  std::uint16_t port = 80;
  http::RequestHead head;
};

// Errors are sentences for the user: kInvalid only.
[[nodiscard]] Result<ExplainTarget> parse_explain_request(
    const control::v1::ExplainRequest& request);

}  // namespace sluice::app
