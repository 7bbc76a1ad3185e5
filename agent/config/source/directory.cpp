// SPDX-License-Identifier: Apache-2.0
#include "agent/config/source/directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "agent/base/unique_fd.hpp"
#include "agent/config/manifest/yaml.hpp"

namespace sluice::config {
namespace {

tl::unexpected<Error> too_large(std::size_t bytes) {
  return fail(ErrorCode::kExhausted,
              fmt::format("the file has {} bytes, the limit is {} MiB; split it into several files",
                          bytes, kMaxFileBytes >> 20));
}

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

FileStamp stamp_of(const struct stat& status) {
  return {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
          static_cast<std::uint64_t>(status.st_size), nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim)};
}

Result<std::string> read_file(const std::string& path, std::size_t& total, FileStamp& stamp) {
  // O_NONBLOCK: a FIFO in the directory must not stop the agent.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail_errno("cannot open the file", errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("cannot read the file", errno);
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::kInvalid, "it is not a regular file; remove or rename it");
  }
  stamp = stamp_of(status);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > kMaxFileBytes) return too_large(size);
  if (total + size > kMaxDirectoryBytes) {
    return fail(ErrorCode::kExhausted,
                fmt::format("the directory's files have more than {} MiB; remove what is not "
                            "needed",
                            kMaxDirectoryBytes >> 20));
  }
  std::string text(size + 1, '\0');
  std::size_t used = 0;
  while (used < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + used, text.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read the file", errno);
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
    // It grew while being read.
    if (used == text.size()) text.resize(std::min(used * 2, kMaxFileBytes + 1));
    if (used > kMaxFileBytes) return too_large(used);
  }
  text.resize(used);
  total += used;
  return text;
}

bool wanted(std::string_view name) {
  return !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml"));
}

}  // namespace

std::string path_in(const std::string& directory, const std::string& name) {
  return directory.ends_with('/') ? directory + name : directory + "/" + name;
}

std::vector<FileText> read_files(const std::string& directory, const std::set<std::string>& names,
                                 std::size_t total) {
  std::vector<FileText> out;
  for (const std::string& name : names) {
    if (!wanted(name)) continue;
    FileText& file = out.emplace_back(FileText{path_in(directory, name), std::string()});
    struct stat status{};
    // A link to nothing is there, and cannot be read.
    file.gone = ::lstat(file.path.c_str(), &status) != 0 && errno == ENOENT;
    if (!file.gone) file.text = read_file(file.path, total, file.stamp);
  }
  return out;
}

Result<std::vector<FileText>> read_directory(const std::string& directory, const KnownFile& known) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), ::closedir);
  if (!dir) return fail_errno(fmt::format("cannot read the directory {}", directory), errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (wanted(entry->d_name)) names.emplace_back(entry->d_name);
    if (names.size() > kMaxFiles) {
      return fail(ErrorCode::kExhausted,
                  fmt::format("the directory {} has more than {} files", directory, kMaxFiles));
    }
  }
  std::sort(names.begin(), names.end());
  std::vector<FileText> out;
  std::size_t total = 0;
  for (const std::string& name : names) {
    std::string path = path_in(directory, name);
    struct stat status{};
    const bool seen = known && ::fstatat(::dirfd(dir.get()), name.c_str(), &status, 0) == 0;
    if (seen && known(path, stamp_of(status))) {
      total += static_cast<std::size_t>(status.st_size);
      out.push_back({std::move(path), std::string(), stamp_of(status), true});
      continue;
    }
    FileStamp stamp;
    auto text = read_file(path, total, stamp);
    out.push_back({std::move(path), std::move(text), stamp, false});
  }
  return out;
}

}  // namespace sluice::config
