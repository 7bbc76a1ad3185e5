// SPDX-License-Identifier: Apache-2.0
#include "agent/http/h1_reason.hpp"

#include <cstddef>

namespace sluice::http {
namespace {
constexpr H1ReasonInfo kInfos[] = {
#define X(name, code, status, text) {code, status, text},
    SLUICE_H1_REASONS(X)
#undef X
};
}  // namespace

const H1ReasonInfo& info_of(H1Reason reason) { return kInfos[static_cast<std::size_t>(reason)]; }

}  // namespace sluice::http
