// SPDX-License-Identifier: Apache-2.0
// The labels of refusals, endings, moves and ends of carried connections, from the lists that the enums come from.
// Thread: any.
#include "agent/proxy/steering.hpp"
#include "agent/proxy/worker_report.hpp"

namespace sluice::proxy {

const char* label_of(Refusal refusal) {
  switch (refusal) {
#define LB_REFUSAL_LABEL(name, label, help) \
  case Refusal::name:                       \
    return label;
    LB_REFUSALS(LB_REFUSAL_LABEL)
#undef LB_REFUSAL_LABEL
    case Refusal::kCount:
      break;
  }
  return "unknown";
}

const char* label_of(Ending ending) {
  switch (ending) {
#define LB_ENDING_LABEL(name, label, help) \
  case Ending::name:                       \
    return label;
    LB_ENDINGS(LB_ENDING_LABEL)
#undef LB_ENDING_LABEL
    case Ending::kCount:
      break;
  }
  return "unknown";
}

const char* label_of(Shown shown) {
  switch (shown) {
#define LB_SHOWN_LABEL(name, label, help) \
  case Shown::name:                       \
    return label;
    LB_SHOWN(LB_SHOWN_LABEL)
#undef LB_SHOWN_LABEL
    case Shown::kCount:
      break;
  }
  return "unknown";
}

const char* label_of(MoveReason reason) {
  switch (reason) {
#define LB_MOVE_LABEL(name, label, help) \
  case MoveReason::name:                 \
    return label;
    LB_MOVES(LB_MOVE_LABEL)
#undef LB_MOVE_LABEL
    case MoveReason::kCount:
      break;
  }
  return "unknown";
}

const char* label_of(CarriedEnd::How how) {
  switch (how) {
#define LB_CARRIED_END_LABEL(name, label, help) \
  case CarriedEnd::How::name:                   \
    return label;
    LB_CARRIED_ENDS(LB_CARRIED_END_LABEL)
#undef LB_CARRIED_END_LABEL
    case CarriedEnd::How::kCount:
      break;
  }
  return "unknown";
}

}  // namespace sluice::proxy
