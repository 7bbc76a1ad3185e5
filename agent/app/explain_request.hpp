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
#include "agent/http/h1_codec.hpp"
#include "agent/http/message.hpp"

namespace sluice::app {

struct ExplainTarget {
  std::optional<IpAddress> ip;  // when the URL's host is an address
  std::uint16_t port = 80;
  std::string text;  // the request up to the empty line
};

// Errors are sentences for the user: kInvalid only.
[[nodiscard]] Result<ExplainTarget> parse_explain_target(
    const control::v1::ExplainRequest& request);
[[nodiscard]] Result<http::RequestHead> read_explain_head(const ExplainTarget& target,
                                                          const http::H1Options& options);

}  // namespace sluice::app
