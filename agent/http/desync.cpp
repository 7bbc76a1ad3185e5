// SPDX-License-Identifier: Apache-2.0
#include "agent/http/desync.hpp"

#include <algorithm>

namespace sluice::http {
namespace {

// -1 when there is none.
int rule_index(H1Reason reason) {
  for (std::size_t i = 0; i < kDesyncRuleCount; ++i) {
    if (kDesyncRules[i].reason == reason) return static_cast<int>(i);
  }
  return -1;
}

DesyncAction action_in(const DesyncRule& rule, DesyncMode mode) {
  switch (mode) {
    case DesyncMode::kMonitor:
      return rule.monitor;
    case DesyncMode::kDefensive:
      return rule.defensive;
    case DesyncMode::kStrictest:
      break;
  }
  return DesyncAction::kRefuse;
}

}  // namespace

DesyncClass desync_class_of(H1Reason reason) {
  if (const int index = rule_index(reason); index >= 0) return kDesyncRules[index].desync_class;
  switch (reason) {
    case H1Reason::kNone:
    case H1Reason::kTargetTooLong:
    case H1Reason::kUnsupportedScheme:
    case H1Reason::kUnsupportedVersion:
    case H1Reason::kH2PriorKnowledge:
    case H1Reason::kTlsOnPlainPort:
    case H1Reason::kHeadTooLarge:
    case H1Reason::kTooManyFields:
    case H1Reason::kBodyTooLarge:
    case H1Reason::kTrailersTooLarge:
    case H1Reason::kUnsupportedExpectation:
    case H1Reason::kInvalidStatusLine:
    case H1Reason::kInvalidStatusCode:
    case H1Reason::kInvalidReasonPhrase:
    case H1Reason::kBodyOnBodylessStatus:
      return DesyncClass::kCompliant;
    default:
      return DesyncClass::kSevere;
  }
}

const char* label_of(DesyncClass desync_class) {
  constexpr const char* kLabels[] = {"compliant", "acceptable", "ambiguous", "severe"};
  return kLabels[static_cast<std::size_t>(desync_class)];
}

const char* label_of(DesyncAction action) {
  constexpr const char* kLabels[kDesyncActions] = {"served", "closed", "refused"};
  return kLabels[static_cast<std::size_t>(action)];
}

const char* label_of(DesyncMode mode) {
  constexpr const char* kLabels[] = {"monitor", "defensive", "strictest"};
  return kLabels[static_cast<std::size_t>(mode)];
}

bool DesyncJudge::tolerates(H1Reason reason) {
  const int index = rule_index(reason);
  if (index < 0) return false;
  const DesyncAction action = action_in(kDesyncRules[index], mode_);
  note(reason, action);
  return action != DesyncAction::kRefuse;
}

void DesyncJudge::note(H1Reason reason, DesyncAction action) {
  verdict_.findings |= static_cast<std::uint16_t>(1U << rule_index(reason));
  verdict_.action = std::max(verdict_.action, action);
}

void DesyncJudge::refuse(H1Reason reason) {
  verdict_.action = DesyncAction::kRefuse;
  verdict_.refused = reason;
}

void DesyncCounters::count_found(const DesyncVerdict& verdict) {
  const auto action = static_cast<std::size_t>(verdict.action);
  for (std::size_t i = 0; i < kDesyncRuleCount; ++i) {
    if ((verdict.findings >> i & 1U) == 0) continue;
    ++counts[static_cast<std::size_t>(kDesyncRules[i].reason)][action];
  }
  const int refused = rule_index(verdict.refused);
  const bool counted = refused >= 0 && (verdict.findings >> refused & 1U) != 0;
  if (!counted && desync_class_of(verdict.refused) != DesyncClass::kCompliant) {
    ++counts[static_cast<std::size_t>(verdict.refused)][action];
  }
}

}  // namespace sluice::http
