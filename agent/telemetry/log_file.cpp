// SPDX-License-Identifier: Apache-2.0
#include "agent/telemetry/log_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace sluice::telemetry {
namespace {

constexpr int kPollMilliseconds = 100;
constexpr mode_t kMode = 0640;  // requests may hold what not everyone should read

Result<UniqueFd> open_for_append(const std::string& path) {
  // Without O_NONBLOCK a FIFO that nobody reads would hold up the start.
  UniqueFd file(::open(path.c_str(),
                       O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, kMode));
  if (!file) return fail_errno("access log " + path, errno);
  return file;
}

bool is_regular(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

void advance(std::array<iovec, 2>& pieces, std::size_t bytes) {
  for (iovec& piece : pieces) {
    const std::size_t part = std::min(bytes, piece.iov_len);
    piece.iov_base = static_cast<char*>(piece.iov_base) + part;
    piece.iov_len -= part;
    bytes -= part;
  }
}

// At most PIPE_BUF bytes: what a pipe that poll(2) calls writable takes without waiting, even where the descriptor
// may wait (standard output belongs to others too, so that its flags are left alone).
void limit_to_pipe(std::array<iovec, 2>& pieces) {
  std::size_t left = PIPE_BUF;
  for (iovec& piece : pieces) {
    piece.iov_len = std::min(piece.iov_len, left);
    left -= piece.iov_len;
  }
}

}  // namespace

Result<LogFile> LogFile::open(std::string target) {
  LogFile log(std::move(target));
  if (log.target_ == "stdout") {
    log.regular_ = is_regular(STDOUT_FILENO);
    return log;
  }
  if (auto opened = log.follow(true); !opened) return tl::unexpected(opened.error());
  return log;
}

Result<void> LogFile::follow(bool force) {
  if (target_ == "stdout") return {};
  if (!force && file_) {
    struct stat there{};
    struct stat here{};
    if (::stat(target_.c_str(), &there) == 0 && ::fstat(file_.get(), &here) == 0 &&
        there.st_ino == here.st_ino && there.st_dev == here.st_dev) {
      return {};
    }
  }
  auto opened = open_for_append(target_);
  if (!opened) return tl::unexpected(opened.error());
  file_ = std::move(*opened);
  regular_ = is_regular(file_.get());
  return {};
}

Result<void> LogFile::write(std::array<iovec, 2>& pieces, const std::function<bool()>& give_up) {
  const int fd = file_ ? file_.get() : STDOUT_FILENO;
  while (pieces[0].iov_len + pieces[1].iov_len > 0) {
    std::array<iovec, 2> now = pieces;
    if (!regular_) {
      pollfd wait{fd, POLLOUT, 0};
      if (::poll(&wait, 1, kPollMilliseconds) == 0) {
        if (give_up()) return fail(ErrorCode::kUnavailable, target_ + ": the reader is too slow");
        continue;
      }
      limit_to_pipe(now);
    }
    const ssize_t written = ::writev(fd, now.data(), 2);
    if (written >= 0) {
      advance(pieces, static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return fail_errno("access log " + target_, errno);
    }
  }
  return {};
}

}  // namespace sluice::telemetry
