// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/filters.hpp"

namespace sluice::proxy {

void LocalAnswer::clear() {
  status = 200;
  headers.clear();
  body.clear();
  reason = {};
  ending.reset();
}

FilterResult Filters::on_head(const FilterRequest& /*request*/) { return {}; }

FilterResult Filters::on_request(const FilterRequest& /*request*/) { return {}; }

void Filters::on_destination(const FilterRequest& /*request*/, const snapshot::Share& /*share*/) {}

void Filters::on_request_body(std::string_view /*data*/, bool /*last*/) {}

void Filters::on_response_head(const FilterRequest& /*request*/, http::ResponseHead& /*head*/,
                               bool /*local*/) {}

void Filters::end() {}

}  // namespace sluice::proxy
