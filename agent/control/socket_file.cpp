// SPDX-License-Identifier: Apache-2.0
#include "agent/control/socket_file.hpp"

#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "agent/base/unique_fd.hpp"

namespace sluice::control {
namespace {

Result<void> make_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return fail(ErrorCode::kSystem, fmt::format("control socket {}: cannot create the folder {}: "
                                                "{}; choose another path with --control",
                                                path, folder.string(), error.message()));
  }
  return {};
}

// 0 when something accepts connections at the path, else errno.
int try_connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno;
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
    return 0;
  // EAGAIN: its backlog is full, so somebody listens.
  return errno == EAGAIN ? 0 : errno;
}

}  // namespace

Result<void> claim_socket_path(const std::string& path, bool replace) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path) ||
      path.find('\0') != std::string::npos) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format(
            "control socket \"{}\": a unix socket's path has 1 to {} bytes; choose another with "
            "--control",
            path, sizeof(sockaddr_un::sun_path) - 1));
  }
  if (auto made = make_folder_of(path); !made) return made;
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno("control socket " + path, errno);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return fail(ErrorCode::kInvalid, fmt::format("control socket {}: a file that is not a socket "
                                                 "is in the way; remove it or choose another "
                                                 "path with --control",
                                                 path));
  }
  if (replace) return {};
  const int state = try_connect(path);
  if (state == 0) {
    return fail(
        ErrorCode::kUnavailable,
        fmt::format(
            "control socket {}: another agent answers on it; stop that one first or choose another "
            "path with --control",
            path));
  }
  if (state != ECONNREFUSED && state != ENOENT) return fail_errno("control socket " + path, state);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return fail_errno("control socket " + path + ": cannot remove what a dead agent left", errno);
  }
  return {};
}

PrivateUmask::PrivateUmask() : old_(::umask(0177)) {}
PrivateUmask::~PrivateUmask() { ::umask(old_); }

std::string unix_uri(const std::string& path) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  std::string out = "unix:";
  for (const char c : error ? path : absolute.string()) {
    if (kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace sluice::control
