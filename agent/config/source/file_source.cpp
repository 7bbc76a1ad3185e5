// SPDX-License-Identifier: Apache-2.0
#include "agent/config/source/file_source.hpp"

#include <dirent.h>
#include <fmt/core.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/base/log.hpp"
#include "agent/base/unique_fd.hpp"

namespace sluice::config {
namespace {

constexpr std::uint32_t kDirectoryEvents = IN_CREATE | IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_FROM |
                                           IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |
                                           IN_ATTRIB | IN_ONLYDIR;
constexpr std::uint32_t kParentEvents =
    IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR;
// inotify follows no symbolic link: what a link further up, or a linked file, points to is compared at this pace.
constexpr Milliseconds kRecheck{2000};

struct Identity {
  dev_t device = 0;
  ino_t inode = 0;

  bool operator==(const Identity&) const = default;
};

std::optional<Identity> identify(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return std::nullopt;
  return Identity{status.st_dev, status.st_ino};
}

// Kubernetes prepares a new version in hidden names and then renames one of them to this.
constexpr std::string_view kSwapped = "..data";

// Files that are never loaded do not count: the agent's own log may lie beside the configuration.
bool counts(std::string_view name) {
  const bool loaded = name.ends_with(".yaml") || name.ends_with(".yml");
  return (loaded && !name.starts_with('.')) || name == kSwapped;
}

enum class Entries : std::uint8_t { kLinks, kAll };

// A number that changes when a linked file's target does, or any file.
std::uint64_t signature_of(const std::string& directory, Entries which) {
  DIR* dir = ::opendir(directory.c_str());
  if (dir == nullptr) return 0;
  std::uint64_t sum = 0;
  while (const dirent* entry = ::readdir(dir)) {
    struct stat status{};
    const std::string_view name = entry->d_name;
    const bool looked_at = entry->d_type == DT_LNK || (which == Entries::kAll && counts(name));
    if (!looked_at || ::fstatat(::dirfd(dir), entry->d_name, &status, 0) != 0) continue;
    const auto mix = [&](auto value) {
      return (static_cast<std::uint64_t>(value) + 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
    };
    // A sum, because readdir promises no order.
    sum += mix(mix(mix(mix(mix(status.st_ino) ^ std::hash<std::string_view>{}(name)) ^
                       static_cast<std::uint64_t>(status.st_mtim.tv_nsec)) ^
                   static_cast<std::uint64_t>(status.st_mtim.tv_sec)) ^
               static_cast<std::uint64_t>(status.st_size));
  }
  ::closedir(dir);
  return sum;
}

// Changes that wait until nothing changed for `quiet`, or for ten times that.
class Waiting {
 public:
  explicit Waiting(Milliseconds quiet) : quiet_(quiet) {}

  void note(const std::string& name, TimePoint now) {
    changes_.names.insert(name);
    note(now);
  }
  void note_all(TimePoint now) {
    changes_.all = true;
    note(now);
  }
  void forget(const std::string& name) {
    if (changes_.names.erase(name) > 0 && changes_.names.empty() && !changes_.all) first_.reset();
  }
  // TimePoint::max() when nothing waits.
  [[nodiscard]] TimePoint due_at() const {
    return first_ ? std::min(last_ + quiet_, *first_ + 10 * quiet_) : TimePoint::max();
  }
  [[nodiscard]] bool due(TimePoint now) const { return now >= due_at(); }
  [[nodiscard]] FileChanges take() {
    first_.reset();
    return std::exchange(changes_, {});
  }

 private:
  void note(TimePoint now) {
    if (!first_) first_ = now;
    last_ = now;
  }

  Milliseconds quiet_;
  FileChanges changes_;
  std::optional<TimePoint> first_;  // set while something waits
  TimePoint last_;
};

class InotifySource final : public FileSource {
 public:
  InotifySource(std::string path, const Clock& clock, Milliseconds quiet, UniqueFd inotify)
      : FileSource(std::move(path)),
        clock_(clock),
        calm_(quiet),
        urgent_(quiet / 10),
        inotify_(std::move(inotify)) {
    std::string_view trimmed = directory();
    while (trimmed.size() > 1 && trimmed.ends_with('/')) trimmed.remove_suffix(1);
    const auto slash = trimmed.rfind('/');
    base_ = std::string(trimmed.substr(slash == trimmed.npos ? 0 : slash + 1));
    parent_ = slash == trimmed.npos
                  ? std::string(1, '.')
                  : std::string(trimmed.substr(0, std::max<std::size_t>(slash, 1)));
    recheck_at_ = clock_.now() + kRecheck;
  }

  // Watches the directory that the path names now. True when it is another one than before.
  bool watch() {
    const auto identity = identify(directory());
    if (inotify_.valid()) {
      parent_watch_ = ::inotify_add_watch(inotify_.get(), parent_.c_str(), kParentEvents);
    }
    if (identity == watched_ && (watch_ >= 0 || !identity || !inotify_.valid())) return false;
    // The old directory's watch goes with it; one that is still there (a link was moved) is let go.
    if (watch_ >= 0) (void)::inotify_rm_watch(inotify_.get(), watch_);
    watch_ = -1;
    watched_ = identity;
    signature_ = signature();
    if (identity && inotify_.valid()) {
      watch_ = ::inotify_add_watch(inotify_.get(), directory().c_str(), kDirectoryEvents);
    }
    return true;
  }
  [[nodiscard]] bool watching() const { return watch_ >= 0; }
  void poll_from_now_on() {
    inotify_.reset();
    signature_ = signature();
  }

  [[nodiscard]] int fd() const override { return inotify_.get(); }

  [[nodiscard]] std::optional<FileChanges> poll(const Urgent& urgent) override {
    const TimePoint now = clock_.now();
    if (inotify_.valid()) read_events(urgent, now);
    if (now >= recheck_at_) {
      recheck_at_ = now + kRecheck;
      const bool moved = watch();
      const std::uint64_t found = signature();
      if (moved || std::exchange(signature_, found) != found) calm_.note_all(now);
    }
    if (calm_.due(now)) {
      FileChanges changes = calm_.take();
      changes.names.merge(urgent_.take().names);
      if (changes.all) signature_ = signature();  // what was seen now is no news at the next look
      return changes;
    }
    if (urgent_.due(now)) return urgent_.take();
    return std::nullopt;
  }

  [[nodiscard]] Milliseconds next_due() const override {
    const auto left = std::min({recheck_at_, calm_.due_at(), urgent_.due_at()}) - clock_.now();
    if (left <= Nanoseconds::zero()) return Milliseconds(0);
    return std::chrono::ceil<Milliseconds>(left);
  }

 private:
  [[nodiscard]] std::uint64_t signature() const {
    return signature_of(directory(), inotify_.valid() ? Entries::kLinks : Entries::kAll);
  }

  void handle(const inotify_event& event, const std::string& name, const Urgent& urgent,
              TimePoint now) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) return calm_.note_all(now);
    if (event.wd == parent_watch_ && name == base_) {
      if (watch()) calm_.note_all(now);
      return;
    }
    if (event.wd != watch_) return;
    if ((event.mask & IN_IGNORED) != 0) watch_ = -1;
    if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0) {
      (void)watch();
      return calm_.note_all(now);
    }
    if (!counts(name)) return;
    if (name == kSwapped) return calm_.note_all(now);
    const bool whole = (event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0;
    const bool at_once = whole && urgent && urgent(name);
    (at_once ? calm_ : urgent_).forget(name);
    (at_once ? urgent_ : calm_).note(name, now);
  }

  void read_events(const Urgent& urgent, TimePoint now) {
    alignas(inotify_event) std::array<char, 16384> buffer;
    while (true) {
      const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return;
      for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
        inotify_event event;
        std::memcpy(&event, buffer.data() + at, sizeof event);
        const char* name = buffer.data() + at + sizeof event;
        handle(event, event.len > 0 ? std::string(name) : std::string(), urgent, now);
        at += sizeof event + event.len;
      }
    }
  }

  const Clock& clock_;
  Waiting calm_;
  Waiting urgent_;
  UniqueFd inotify_;
  std::string parent_;
  std::string base_;
  int parent_watch_ = -1;
  int watch_ = -1;
  std::optional<Identity> watched_;
  std::uint64_t signature_ = 0;
  TimePoint recheck_at_;
};

}  // namespace

Result<std::unique_ptr<FileSource>> FileSource::open(std::string directory, const Clock& clock,
                                                     Milliseconds quiet, Notice notice) {
  if (!identify(directory)) {
    return fail(ErrorCode::kNotFound,
                fmt::format("the configuration directory {} does not exist; create it, or name "
                            "another with --config",
                            directory));
  }
  const bool wanted = notice == Notice::kInotify;
  UniqueFd inotify(wanted ? ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC) : -1);
  int error = errno;
  const bool opened = inotify.valid();
  auto source =
      std::make_unique<InotifySource>(std::move(directory), clock, quiet, std::move(inotify));
  (void)source->watch();
  if (source->watching()) return source;
  if (opened) error = errno;  // the watch was the last thing tried
  source->poll_from_now_on();
  if (wanted) {
    log::warn("config",
              "cannot watch the directory {} by inotify: {}; looking every {} ms instead. Raise "
              "fs.inotify.max_user_instances or max_user_watches",
              source->directory(), std::strerror(error), kRecheck.count());
  }
  return source;
}

}  // namespace sluice::config
