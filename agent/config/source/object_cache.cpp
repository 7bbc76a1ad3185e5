// SPDX-License-Identifier: Apache-2.0
#include "agent/config/source/object_cache.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <vector>

#include "agent/base/hash.hpp"

namespace sluice::config {
namespace {

// A record: "<hash> <kind> <length> <path>\n<text>\n"; the hash is of all behind it, as 16 hexadecimal digits.
constexpr char kPut = '+';
constexpr char kRemove = '-';
constexpr std::size_t kHashDigits = 16;
constexpr std::uint64_t kLargestFile = 1ULL << 30;
constexpr std::uint64_t kSlack =
    4u << 20;  // of records that no longer count, before the file is written anew

std::string record_of(char kind, const std::string& path, std::string_view text) {
  const std::string rest = fmt::format(" {} {} {}\n{}\n", kind, text.size(), path, text);
  return fmt::format("{:016x}{}", fnv1a(rest), rest);
}

struct Record {
  char kind = kPut;
  std::string path;
  std::string_view text;
  std::size_t size = 0;
};

// The record at the begin of `data`; size 0: it is not whole.
Record read_record(std::string_view data) {
  const std::size_t line_end = data.find('\n');
  if (line_end == data.npos || line_end < kHashDigits + 6) return {};
  const std::string_view line = data.substr(kHashDigits, line_end - kHashDigits);
  Record out;
  out.kind = line[1];
  std::size_t length = 0;
  const std::string_view rest = line.substr(3);
  const auto number = std::from_chars(rest.begin(), rest.end(), length);
  if (line[0] != ' ' || line[2] != ' ' || number.ec != std::errc() || number.ptr == rest.end() ||
      *number.ptr != ' ') {
    return {};
  }
  if (length > data.size() || line_end + 1 + length + 1 > data.size()) return {};
  out.path = std::string(number.ptr + 1, rest.end());
  out.text = data.substr(line_end + 1, length);
  const std::size_t size = line_end + 1 + length + 1;
  std::uint64_t hash = 0;
  const std::string_view digits = data.substr(0, kHashDigits);
  const auto hex = std::from_chars(digits.begin(), digits.end(), hash, 16);
  if (hex.ec != std::errc() || hex.ptr != digits.end()) return {};
  if (hash != fnv1a(data.substr(kHashDigits, size - kHashDigits))) return {};
  out.size = size;
  return out;
}

Result<void> write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t wrote = ::write(fd, data.data(), data.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return fail_errno("write", wrote < 0 ? errno : ENOSPC);
    data.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

Result<std::string> read_all(int fd, std::uint64_t size) {
  std::string out(size, '\0');
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read", errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  out.resize(done);
  return out;
}

}  // namespace

Result<ObjectCache> ObjectCache::open(const std::string& directory, const std::string& cluster,
                                      const See& see) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return fail(ErrorCode::kSystem, fmt::format("{}: {}", directory, error.message()));
  }
  ObjectCache cache(directory + "/objects", cluster);
  // What it holds may be secret.
  cache.file_.reset(::open(cache.path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!cache.file_) return fail_errno(cache.path_, errno);
  if (auto loaded = cache.load(see); !loaded) {
    cache.damage_ = fmt::format("{}: {}; begun anew", cache.path_, loaded.error().message);
    cache.live_.clear();
    if (auto begun = cache.start_anew(); !begun) return tl::unexpected(begun.error());
  }
  return cache;
}

Result<void> ObjectCache::start_anew() {
  if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0) {
    return fail_errno(path_, errno);
  }
  end_ = header_.size();
  live_size_ = 0;
  return write_all(file_.get(), header_);
}

Result<void> ObjectCache::load(const See& see) {
  struct stat status{};
  if (::fstat(file_.get(), &status) != 0) return fail_errno("fstat", errno);
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::kInvalid, "no regular file");
  if (status.st_size == 0) return start_anew();
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > kLargestFile) return fail(ErrorCode::kExhausted, "larger than 1 GiB");
  auto text = read_all(file_.get(), size);
  if (!text) return tl::unexpected(text.error());
  if (!text->starts_with(header_)) {
    return fail(ErrorCode::kInvalid, "it is no cache, or that of another cluster");
  }
  std::uint64_t at = header_.size();
  while (at < text->size()) {
    const Record record = read_record(std::string_view(*text).substr(at));
    if (record.size == 0) {
      damage_ =
          fmt::format("{}: a damaged record at byte {}; what follows it is not used", path_, at);
      break;
    }
    if (const auto old = live_.find(record.path); old != live_.end()) {
      live_size_ -= old->second.size;
      live_.erase(old);
    }
    if (record.kind == kPut) {
      live_[record.path] = {at, record.size};
      live_size_ += record.size;
    }
    at += record.size;
  }
  end_ = at;
  if (::ftruncate(file_.get(), static_cast<off_t>(end_)) != 0 ||
      ::lseek(file_.get(), static_cast<off_t>(end_), SEEK_SET) < 0) {
    return fail_errno("ftruncate", errno);
  }
  for (const auto& [path, place] : live_) {
    const Record record = read_record(std::string_view(*text).substr(place.offset, place.size));
    see(path, std::string(record.text));
  }
  using Clock = std::chrono::system_clock;
  confirmed_at_ = Clock::from_time_t(status.st_mtim.tv_sec);
  return {};
}

void ObjectCache::put(const std::string& path, std::string_view text) { append(kPut, path, text); }

void ObjectCache::remove(const std::string& path) {
  if (live_.contains(path)) append(kRemove, path, {});
}

void ObjectCache::append(char kind, const std::string& path, std::string_view text) {
  if (!trouble_.empty()) return;  // a hole in the file is worse than its end
  const std::string record = record_of(kind, path, text);
  if (auto done = write_all(file_.get(), record); !done) {
    trouble_ =
        fmt::format("{}: {}; nothing more is kept for the next start", path_, done.error().message);
    return;
  }
  if (const auto old = live_.find(path); old != live_.end()) {
    live_size_ -= old->second.size;
    live_.erase(old);
  }
  if (kind == kPut) {
    live_[path] = {end_, record.size()};
    live_size_ += record.size();
  }
  end_ += record.size();
  if (end_ < 2 * live_size_ + kSlack) return;
  if (auto done = compact(); !done) {
    trouble_ =
        fmt::format("{}: {}; nothing more is kept for the next start", path_, done.error().message);
  }
}

void ObjectCache::confirm() {
  if (trouble_.empty()) ::futimens(file_.get(), nullptr);
}

// Only what counts, into another file that then takes this one's place.
Result<void> ObjectCache::compact() {
  auto text = read_all(file_.get(), end_);
  if (!text) return tl::unexpected(text.error());
  const std::string temporary = path_ + ".new";
  UniqueFd file(
      ::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno(temporary, errno);
  std::string fresh = header_;
  fresh.reserve(live_size_ + header_.size());
  for (auto& [path, place] : live_) {
    const std::uint64_t offset = fresh.size();
    fresh.append(*text, place.offset, place.size);
    place.offset = offset;
  }
  if (auto done = write_all(file.get(), fresh); !done) return done;
  if (::fsync(file.get()) != 0) return fail_errno("fsync", errno);
  if (::rename(temporary.c_str(), path_.c_str()) != 0) return fail_errno("rename", errno);
  file_ = std::move(file);
  end_ = fresh.size();
  return {};
}

}  // namespace sluice::config
