// SPDX-License-Identifier: Apache-2.0
// Desync: what another HTTP parser may read differently, how dangerous that is, and what each mode does about it. The
// classes are those that users of cloud load balancers know. Called by the request parser; DesyncCounters by whoever
// counts. Thread: any. Invariants: the strictest mode serves nothing that is found here; what is not found here is
// either plain or refused in every mode.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/http/h1_reason.hpp"

namespace sluice::http {

enum class DesyncMode : std::uint8_t {
  kMonitor,    // serves what has one safe reading once it is written anew
  kDefensive,  // and keeps what is ambiguous apart, or refuses it
  kStrictest,  // refuses whatever is not plainly RFC 9112
};

enum class DesyncClass : std::uint8_t {
  kCompliant,
  kAcceptable,  // not to the letter, but read alike by all
  kAmbiguous,   // parsers in use read it differently
  kSevere,      // malformed, or has no single reading: refused in every mode
};

enum class DesyncAction : std::uint8_t {
  kServe,
  kServeAndClose,  // and neither connection carries another request
  kRefuse,
};
inline constexpr std::size_t kDesyncActions = 3;

// X(reason, class, monitor, defensive)
#define SLUICE_DESYNC_FINDINGS(X)                         \
  X(EmptyLineBefore, Acceptable, Serve, Serve)            \
  X(RawTargetCharacter, Acceptable, Serve, Serve)         \
  X(ObsText, Acceptable, Serve, Serve)                    \
  X(ZeroLengthBody, Acceptable, Serve, Serve)             \
  X(ConnectionNamesProtected, Acceptable, Serve, Serve)   \
  X(UnderscoreInName, Acceptable, Serve, Serve)           \
  X(TargetAndHostDiffer, Ambiguous, Serve, ServeAndClose) \
  X(UnexpectedBody, Ambiguous, Serve, ServeAndClose)      \
  X(LookalikeFieldName, Ambiguous, Serve, ServeAndClose)  \
  X(DuplicateContentLength, Ambiguous, Serve, Refuse)     \
  X(BareLf, Ambiguous, Serve, Refuse)                     \
  X(ObsFold, Ambiguous, Serve, Refuse)

struct DesyncRule {
  H1Reason reason;
  DesyncClass desync_class;
  DesyncAction monitor;
  DesyncAction defensive;
};
inline constexpr DesyncRule kDesyncRules[] = {
#define X(name, class_name, in_monitor, in_defensive)                          \
  {H1Reason::k##name, DesyncClass::k##class_name, DesyncAction::k##in_monitor, \
   DesyncAction::k##in_defensive},
    SLUICE_DESYNC_FINDINGS(X)
#undef X
};
inline constexpr std::size_t kDesyncRuleCount = std::size(kDesyncRules);

// kCompliant for reasons that say nothing about ambiguity: limits, another protocol, a response.
[[nodiscard]] DesyncClass desync_class_of(H1Reason reason);
[[nodiscard]] const char* label_of(DesyncClass desync_class);
[[nodiscard]] const char* label_of(DesyncAction action);
[[nodiscard]] const char* label_of(DesyncMode mode);

// What was found in one request, and what becomes of it.
struct DesyncVerdict {
  DesyncAction action = DesyncAction::kServe;  // the severest of all findings
  std::uint16_t findings = 0;                  // bit i: kDesyncRules[i]
  H1Reason refused = H1Reason::kNone;          // what it was refused for, whether or not a finding
};

class DesyncJudge {
 public:
  void reset() { verdict_ = {}; }
  void set_mode(DesyncMode mode) { mode_ = mode; }
  // True when the mode serves a request with this; it is noted either way. False for what has no rule.
  [[nodiscard]] bool tolerates(H1Reason reason);
  // Notes what a setting, not the mode, decides.
  void note(H1Reason reason, DesyncAction action);
  void refuse(H1Reason reason);
  [[nodiscard]] const DesyncVerdict& verdict() const { return verdict_; }

 private:
  DesyncVerdict verdict_;
  DesyncMode mode_ = DesyncMode::kDefensive;
};

// Findings by reason and by what was done with the request. A request with two findings counts in both rows.
struct DesyncCounters {
  std::array<std::array<std::uint64_t, kDesyncActions>, kH1Reasons> counts{};

  void count(const DesyncVerdict& verdict) {
    if (verdict.findings != 0 || verdict.refused != H1Reason::kNone) count_found(verdict);
  }

  // Of a body, whose head was counted before.
  void count_refusal(H1Reason reason) {
    DesyncVerdict verdict;
    verdict.action = DesyncAction::kRefuse;
    verdict.refused = reason;
    count_found(verdict);
  }

 private:
  void count_found(const DesyncVerdict& verdict);
};

}  // namespace sluice::http
