// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/pin_store.hpp"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "agent/datapath/kernel_error.hpp"
#include "bpf/abi/limits.h"

namespace sluice::datapath {
namespace fs = std::filesystem;

Result<void> prepare_bpffs(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return kernel_failure("cannot create the pin directory " + directory, error.value());
  struct statfs info{};
  if (statfs(directory.c_str(), &info) != 0)
    return kernel_failure("cannot inspect the pin directory " + directory, errno);
  if (static_cast<unsigned long>(info.f_type) != static_cast<unsigned long>(BPF_FS_MAGIC))
    return fail(ErrorCode::kInvalid, "the pin directory " + directory +
                                         " is not on a bpffs: mount one there (mount -t bpf bpf " +
                                         directory + ") or choose another with --pin");
  return {};
}

Result<PinStore> PinStore::open(const std::string& pin_directory) {
  if (auto ready = prepare_bpffs(pin_directory); !ready) return tl::unexpected(ready.error());
  std::string directory = pin_directory + "/v" + std::to_string(LB_ABI_VERSION);
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return kernel_failure("cannot create the pin directory " + directory, error.value());
  UniqueFd lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock) return kernel_failure("cannot open the pin directory " + directory, errno);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return kernel_failure("cannot lock the pin directory " + directory, errno);
    return fail(ErrorCode::kUnavailable, "the pin directory " + directory +
                                             " is in use by another agent: stop it first, or give "
                                             "this one its own with --pin");
  }
  return PinStore(std::move(directory), std::move(lock));
}

std::string PinStore::path(std::string_view name) const {
  return directory_ + "/" + std::string(name);
}

UniqueFd PinStore::get(std::string_view name) const {
  const int fd = bpf_obj_get(path(name).c_str());
  return UniqueFd(fd < 0 ? -1 : fd);
}

Result<void> PinStore::pin(int fd, std::string_view name) const {
  const std::string target = path(name);
  if (const int result = bpf_obj_pin(fd, target.c_str()); result < 0)
    return kernel_failure("cannot pin " + target, result);
  return {};
}

void PinStore::remove(std::string_view name) const { ::unlink(path(name).c_str()); }

std::string PinStore::set_aside(std::string_view name) const {
  constexpr int kTries = 100;
  for (int number = 1; number <= kTries; ++number) {
    std::string other = std::string(name) + "_aside_" + std::to_string(number);
    // A bpffs reserves names with a dot. Without RENAME_NOREPLACE an earlier one would be lost; we hold the lock, so
    // a check is enough.
    if (std::error_code ignored; fs::exists(path(other), ignored)) continue;
    return std::rename(path(name).c_str(), path(other).c_str()) == 0 ? other : std::string();
  }
  return {};
}

std::vector<std::string> PinStore::names() const {
  std::vector<std::string> result;
  std::error_code error;
  for (fs::directory_iterator it(directory_, error), end; !error && it != end; it.increment(error))
    result.push_back(it->path().filename().string());
  return result;
}

void PinStore::remove_all() const {
  for (const std::string& name : names()) remove(name);
  ::rmdir(directory_.c_str());
}

}  // namespace sluice::datapath
