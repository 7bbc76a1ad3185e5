// SPDX-License-Identifier: Apache-2.0
#include "agent/config/source/kube_watch.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace sluice::config {
namespace {

constexpr long kOk = 200;
constexpr long kUnauthorized = 401;
constexpr long kForbidden = 403;
constexpr long kNotFound = 404;
constexpr long kGone = 410;
constexpr std::size_t kLargestPage = 256u << 20;

std::string key_of(const std::string& name_space, const std::string& name) {
  return name_space + "/" + name;
}

// `continue` tokens are base64, but that is the server's affair.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

KubeWatch::KubeWatch(KubeResource resource, Options options, KubeSink& sink, std::uint64_t seed)
    : resource_(std::move(resource)),
      options_(options),
      sink_(sink),
      random_(static_cast<std::uint32_t>(seed)) {}

std::string KubeWatch::api_version() const {
  const std::string& version = resource_.versions[api_];
  return resource_.group.empty() ? version : resource_.group + "/" + version;
}

std::string KubeWatch::base_path() const {
  return (resource_.group.empty() ? "/api/" : "/apis/") + api_version() +
         (resource_.name_space.empty() ? "/" : "/namespaces/" + resource_.name_space + "/") +
         resource_.plural;
}

std::optional<std::string> KubeWatch::next_request(TimePoint now) {
  if (busy_ || now < due_) return std::nullopt;
  busy_ = true;
  broken_ = false;
  expired_ = false;
  progressed_ = false;
  text_.clear();
  if (phase_ == Phase::kList) {
    std::string path = fmt::format("{}?limit={}", base_path(), options_.page);
    if (!continue_.empty()) path += "&continue=" + escaped(continue_);
    return path;
  }
  // Not all agents of a cluster at the same moment.
  const auto spread = options_.watch.count() / 2;
  const auto seconds =
      options_.watch.count() - spread +
      static_cast<long>(random_() % static_cast<std::uint32_t>(std::max<long>(2 * spread, 1)));
  return fmt::format("{}?watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
                     base_path(), escaped(version_), seconds);
}

std::chrono::seconds KubeWatch::limit() const {
  constexpr std::chrono::seconds kList{120};
  constexpr std::chrono::seconds kGrace{30};
  return phase_ == Phase::kList ? kList : options_.watch * 3 / 2 + kGrace;
}

bool KubeWatch::on_data(std::string_view data, TimePoint now) {
  if (broken_) return false;
  if (phase_ == Phase::kList) {
    if (text_.size() + data.size() > kLargestPage) {
      broken_ = true;
      trouble_ = fmt::format("{}: a page of the list is larger than {} MiB", resource_.name(),
                             kLargestPage >> 20);
      return false;
    }
    text_.append(data);
    return true;
  }
  while (!data.empty()) {
    const auto end = data.find('\n');
    if (text_.size() + std::min(end, data.size()) > options_.largest_object) {
      broken_ = true;
      trouble_ = fmt::format("{}: an event is larger than {} MiB", resource_.name(),
                             options_.largest_object >> 20);
      list_again();
      return false;
    }
    text_.append(data.substr(0, end));
    if (end == data.npos) return true;
    data.remove_prefix(end + 1);
    if (!text_.empty() && !line(text_, now)) return false;
    text_.clear();
  }
  return true;
}

// One event. False: the watch is over.
bool KubeWatch::line(std::string_view text, TimePoint now) {
  auto event = read_api_event(text, api_version(), resource_.kind);
  if (!event) {
    broken_ = true;
    trouble_ = fmt::format("{}: {}", resource_.name(), event.error().message);
    list_again();
    return false;
  }
  if (event->type == ApiEvent::Type::kError) {
    broken_ = true;
    // 410 is in the order of things: the server keeps some minutes of history.
    expired_ = event->code == kGone;
    if (!expired_) {
      trouble_ = fmt::format("{}: the watch ended: {}", resource_.name(), event->message);
    }
    list_again();
    return false;
  }
  progressed_ = true;
  confirmed_at_ = now;
  health_ = Health::kSynced;
  trouble_.clear();
  version_ = event->object.resource_version;
  if (event->type == ApiEvent::Type::kChanged) take(std::move(event->object));
  if (event->type == ApiEvent::Type::kDeleted) drop(event->object.name_space, event->object.name);
  return true;
}

void KubeWatch::know(const std::string& name_space, const std::string& name) {
  known_[key_of(name_space, name)] = 0;
}

void KubeWatch::take(ApiObject object) {
  known_[key_of(object.name_space, object.name)] = lists_;
  sink_.changed(resource_, std::move(object));
}

void KubeWatch::drop(const std::string& name_space, const std::string& name) {
  if (known_.erase(key_of(name_space, name)) != 0) sink_.removed(resource_, name_space, name);
}

void KubeWatch::list_again() {
  phase_ = Phase::kList;
  continue_.clear();
  ++lists_;
}

// A whole page is there. False: it makes no sense.
bool KubeWatch::page_done(TimePoint now) {
  auto page = read_api_page(text_, api_version(), resource_.kind);
  text_ = {};
  if (!page) {
    trouble_ = fmt::format("{}: {}", resource_.name(), page.error().message);
    return false;
  }
  for (ApiObject& object : page->objects) take(std::move(object));
  continue_ = page->next;
  confirmed_at_ = now;
  if (!continue_.empty()) return true;
  version_ = page->resource_version;
  std::vector<std::string> gone;
  for (const auto& [key, seen] : known_) {
    if (seen != lists_) gone.push_back(key);
  }
  for (const std::string& key : gone) {
    const auto slash = key.find('/');
    drop(key.substr(0, slash), key.substr(slash + 1));
  }
  phase_ = Phase::kWatch;
  health_ = Health::kSynced;
  trouble_.clear();
  if (!synced_) {
    synced_ = true;
    sink_.synced(resource_);
  }
  return true;
}

void KubeWatch::on_end(const KubeReply& reply, TimePoint now) {
  busy_ = false;
  const bool was_watch = phase_ == Phase::kWatch;
  // Only a watch that brought something shows that all is well: a list that succeeds before each watch that fails must
  // not become a loop.
  if (progressed_) pause_ = {};
  if (reply.status == kOk && !broken_ && reply.error.empty()) {
    if (was_watch) {
      confirmed_at_ = now;
      health_ = Health::kSynced;
      trouble_.clear();
      // Nor one that ends without a word, again and again.
      wait(progressed_ ? Milliseconds(0) : options_.first_pause, now);
      return;
    }
    if (page_done(now)) {
      due_ = now;
      return;
    }
  }
  if (reply.status == kGone || expired_) {
    if (!expired_) list_again();
    wait(pause_ = std::clamp(2 * pause_, options_.first_pause, options_.longest_pause), now);
    return;
  }
  fail(reply, now);
}

void KubeWatch::fail(const KubeReply& reply, TimePoint now) {
  // A list goes on from its first page: the token of the next one may be what the server did not like.
  if (phase_ == Phase::kList && !continue_.empty()) list_again();
  const std::string name = resource_.name();
  if (reply.status == kNotFound && api_ + 1 < resource_.versions.size()) {
    ++api_;
    due_ = now;
    return;
  }
  if (reply.status == kNotFound) api_ = 0;
  if (reply.status == kNotFound && resource_.optional) {
    // What was there stays in force: a proxy in the way that answers 404 must not take everything down.
    health_ = synced_ ? Health::kFailing : Health::kAbsent;
    if (synced_) {
      trouble_ = name + " is not served any more; its objects stay in force as they were";
    }
    wait(options_.absent_pause, now);
    return;
  }
  ++failures_;
  health_ = Health::kFailing;
  pause_ = std::clamp(2 * pause_, options_.first_pause, options_.longest_pause);
  if (reply.status == kForbidden) {
    health_ = Health::kForbidden;
    trouble_ = fmt::format(
        "no permission for {}: grant the verbs get, list and watch on it to this agent's "
        "ServiceAccount ({})",
        name, reply.error);
    pause_ = options_.longest_pause;
  } else if (reply.status == kUnauthorized) {
    trouble_ = fmt::format("{}: the API server does not accept the login: {}", name, reply.error);
  } else if (reply.status != 0 && reply.status != kOk) {
    trouble_ = fmt::format("{}: the API server answers {}: {}", name, reply.status, reply.error);
  } else if (!reply.error.empty()) {
    trouble_ = fmt::format("{}: {}", name, reply.error);
  }
  wait(std::max(pause_, reply.retry_after), now);
}

// Up to half as much again, so that the agents of a cluster do not come back all at once.
void KubeWatch::wait(Milliseconds pause, TimePoint now) {
  const auto extra =
      pause.count() > 1 ? random_() % static_cast<std::uint32_t>(pause.count() / 2 + 1) : 0;
  due_ = now + pause + Milliseconds(extra);
}

}  // namespace sluice::config
