// SPDX-License-Identifier: Apache-2.0
// Handover: how a new agent takes over from the one that runs, over a unix socket beside the control socket. The old
// one sends its listening sockets (SCM_RIGHTS), so that both accept from the same queues and none that is established
// is lost when one of them closes; works without any privilege. Then the new one says that it serves, and later the old
// one that it has let go of the kernel path.
// Packets (SOCK_SEQPACKET), old to new: "KIND NAME" with descriptors, ..., "end", later "released"; new to old:
// "serving".
// Callers: Supervisor. Thread: main. Invariants: only a process of the same user, or root, gets anything.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/net/reactor.hpp"

namespace sluice::app {

// Listening sockets of one kind and name, one for each worker; or the link of the sk_lookup program, which must stay
// attached until the next agent's is.
struct Inheritance {
  std::string kind;  // "direct", "lookup", "admin" or "link"
  std::string name;  // of the listener; "4" or "6"; empty
  std::vector<UniqueFd> sockets;
};
struct Bequest {
  std::string kind;
  std::string name;
  std::vector<int> sockets;
};

// The new agent's end.
class Predecessor {
 public:
  enum class News { kNone, kReleased, kGone };

  // nullptr when no agent answers at the path. Waits for it for 3 s at most.
  static std::unique_ptr<Predecessor> find(const std::string& path);

  // Takes what was inherited under that kind and name; empty when there is none.
  [[nodiscard]] std::vector<UniqueFd> take(std::string_view kind, std::string_view name);
  // All of that kind, by name.
  [[nodiscard]] std::map<std::string, std::vector<UniqueFd>> take_all(std::string_view kind);
  void say_serving();
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] News read();  // does not block

 private:
  explicit Predecessor(UniqueFd fd) : fd_(std::move(fd)) {}
  [[nodiscard]] bool receive_all();

  UniqueFd fd_;
  std::vector<Inheritance> inherited_;
};

// The running agent's end. One successor at a time.
class Successors final : private net::EventHandler {
 public:
  struct Callbacks {
    std::function<std::vector<Bequest>()> bequests;
    std::function<void()> serving;  // a successor serves: it has our control and admin sockets
    std::function<void()> gone;     // one that served went away
  };

  // Replaces whatever socket is at the path.
  static Result<std::unique_ptr<Successors>> listen(const std::string& path, net::Reactor& reactor,
                                                    Callbacks callbacks);
  ~Successors();

  void say_released();

 private:
  // A connection in the reactor.
  class Line final : public net::EventHandler {
   public:
    explicit Line(Successors& owner) : owner_(owner) {}
    void on_ready(std::uint32_t events) override;

   private:
    Successors& owner_;
  };

  Successors(std::string path, net::Reactor& reactor, Callbacks callbacks)
      : path_(std::move(path)), reactor_(reactor), callbacks_(std::move(callbacks)), line_(*this) {}
  void on_ready(std::uint32_t events) override;  // of the listening socket
  void on_message();
  [[nodiscard]] bool bequeath(int fd);
  void hang_up();

  std::string path_;
  net::Reactor& reactor_;
  Callbacks callbacks_;
  UniqueFd listening_;
  std::uint64_t inode_ = 0;
  UniqueFd successor_;
  Line line_;
  bool serving_ = false;
};

}  // namespace sluice::app
