// SPDX-License-Identifier: Apache-2.0
#include "agent/telemetry/access_log.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

#include "agent/base/log.hpp"

namespace sluice::telemetry {
namespace {

constexpr std::size_t kLaneBytes = 1024 * 1024;
constexpr std::size_t kWakeBytes = kLaneBytes / 4;
constexpr int kPaceMilliseconds = 100;  // how late a line may be
constexpr std::chrono::seconds kFollowPace{1};
constexpr std::chrono::seconds kStopGrace{1};
constexpr std::uint64_t kWhole = std::uint64_t{1} << 32;

std::uint64_t lines_in(const std::array<iovec, 2>& pieces) {
  std::uint64_t lines = 0;
  for (const iovec& piece : pieces) {
    const std::string_view text(static_cast<const char*>(piece.iov_base), piece.iov_len);
    lines += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
  }
  return lines;
}

// The byte at `size` - 1 of what the pieces hold.
char last_byte(const std::array<iovec, 2>& pieces, std::size_t size) {
  const bool second = size > pieces[0].iov_len;
  const iovec& piece = pieces[second ? 1 : 0];
  return static_cast<const char*>(piece.iov_base)[size - (second ? pieces[0].iov_len : 0) - 1];
}

void ring_bell(int wake) {
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake, &one, sizeof(one)));  // full is as good as rung
}

}  // namespace

AccessLane::AccessLane(const AccessLogSettings& settings, int wake)
    : writer_(settings.json),
      ring_(kLaneBytes),
      step_(
          static_cast<std::uint64_t>(std::llround(settings.sample * static_cast<double>(kWhole)))),
      wake_(wake) {}

bool AccessLane::sampled() {
  phase_ += step_;
  if (phase_ < kWhole) return false;
  phase_ -= kWhole;
  return true;
}

void AccessLane::write(const AccessLine& line) {
  std::size_t used = 0;
  if (!ring_.push(writer_.write(line), used)) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (used < kWakeBytes || called_.load(std::memory_order_relaxed)) return;
  called_.store(true, std::memory_order_relaxed);
  ring_bell(wake_);
}

Result<std::unique_ptr<AccessLog>> AccessLog::start(AccessLogSettings settings,
                                                    std::uint32_t lanes) {
  auto file = LogFile::open(settings.target);
  if (!file) return tl::unexpected(file.error());
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return fail_errno("access log: eventfd", errno);
  return std::unique_ptr<AccessLog>(
      new AccessLog(std::move(settings), std::move(*file), std::move(wake), lanes));
}

AccessLog::AccessLog(AccessLogSettings settings, LogFile file, UniqueFd wake, std::uint32_t lanes)
    : settings_(std::move(settings)), file_(std::move(file)), wake_(std::move(wake)) {
  for (std::uint32_t i = 0; i < lanes; ++i) {
    lanes_.push_back(std::make_unique<AccessLane>(settings_, wake_.get()));
  }
  thread_ = std::thread([this] { run(); });
}

AccessLog::~AccessLog() {
  stop_at_ = std::chrono::steady_clock::now().time_since_epoch().count();
  stop_ = true;
  ring_bell(wake_.get());
  thread_.join();
}

AccessLogState AccessLog::state() const {
  AccessLogState state;
  state.written = written_.load(std::memory_order_acquire);
  state.failed = failed_.load(std::memory_order_acquire);
  for (const auto& lane : lanes_) state.dropped += lane->dropped_.load(std::memory_order_relaxed);
  const MutexLock lock(mutex_);
  state.error = write_error_.empty() ? open_error_ : write_error_;
  return state;
}

void AccessLog::reopen() {
  reopen_ = true;
  ring_bell(wake_.get());
}

void AccessLog::run() {
  auto followed = std::chrono::steady_clock::now();
  for (bool last = false; !last;) {
    wait();
    last = stop_;
    const auto now = std::chrono::steady_clock::now();
    const bool asked = reopen_.exchange(false);
    if (asked || now - followed >= kFollowPace) {
      followed = now;
      note(file_.follow(asked), open_error_);
    }
    for (const auto& lane : lanes_) drain(*lane);
  }
}

void AccessLog::wait() const {
  pollfd bell{wake_.get(), POLLIN, 0};
  ::poll(&bell, 1, kPaceMilliseconds);
  std::uint64_t rings = 0;
  static_cast<void>(::read(wake_.get(), &rings, sizeof(rings)));
}

void AccessLog::drain(AccessLane& lane) {
  lane.called_.store(false, std::memory_order_relaxed);
  std::array<iovec, 2> pieces = lane.ring_.readable();
  const std::array<iovec, 2> all = pieces;
  const std::size_t size = pieces[0].iov_len + pieces[1].iov_len;
  if (size == 0) return;
  const std::uint64_t lines = lines_in(pieces);
  const auto give_up = [this] { return out_of_time(); };
  Result<void> done{};
  if (torn_) {
    char end = '\n';
    std::array<iovec, 2> line_end{iovec{&end, 1}, iovec{}};
    done = file_.write(line_end, give_up);
    if (done) torn_ = false;
  }
  if (done) done = file_.write(pieces, give_up);
  const std::uint64_t lost = done ? 0 : lines_in(pieces);
  // Those that did not go out whole are lost, so that what comes next is not held up by a full disk.
  const std::size_t went = size - pieces[0].iov_len - pieces[1].iov_len;
  if (!done && went > 0) torn_ = last_byte(all, went) != '\n';
  lane.ring_.pop(size);
  note(done, write_error_);
  // Last, so that who sees lines lost finds the reason as well.
  written_.fetch_add(lines - lost, std::memory_order_release);
  failed_.fetch_add(lost, std::memory_order_release);
}

// Logs only what is new: a full disk would fill the log as well.
void AccessLog::note(const Result<void>& done, std::string& error) {
  const MutexLock lock(mutex_);
  if (!done && error.empty()) log::error("telemetry", "{}", done.error().message);
  error = done ? std::string() : done.error().message;
}

bool AccessLog::out_of_time() const {
  if (!stop_) return false;
  const TimePoint since{TimePoint::duration(stop_at_.load())};
  return std::chrono::steady_clock::now() - since >= kStopGrace;
}

}  // namespace sluice::telemetry
