// SPDX-License-Identifier: Apache-2.0
// Thread roles as clang capabilities: a function marked LB_REQUIRES(kWorkerRole) may be called only from code that
// holds the role; a thread's entry function takes it once with ScopedRole. Checked by the tsa preset, free otherwise.
#pragma once

#if defined(__clang__)
#define LB_TSA(x) __attribute__((x))
#else
#define LB_TSA(x)
#endif
#define LB_CAPABILITY(name) LB_TSA(capability(name))
#define LB_REQUIRES(...) LB_TSA(requires_capability(__VA_ARGS__))
#define LB_ACQUIRE(...) LB_TSA(acquire_capability(__VA_ARGS__))
#define LB_RELEASE(...) LB_TSA(release_capability(__VA_ARGS__))
#define LB_GUARDED_BY(x) LB_TSA(guarded_by(x))
#define LB_SCOPED LB_TSA(scoped_lockable)

#include <mutex>

namespace sluice {

class LB_CAPABILITY("role") ThreadRole {};
inline ThreadRole kMainRole;
inline ThreadRole kWorkerRole;

class LB_SCOPED ScopedRole {
 public:
  explicit ScopedRole(ThreadRole& role) LB_ACQUIRE(role) { (void)role; }
  ~ScopedRole() LB_RELEASE() {}
  ScopedRole(const ScopedRole&) = delete;
  ScopedRole& operator=(const ScopedRole&) = delete;
};

// std::mutex that clang's analysis knows (libstdc++ has no annotations).
class LB_CAPABILITY("mutex") Mutex {
 public:
  void lock() LB_ACQUIRE() { mutex_.lock(); }
  void unlock() LB_RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class LB_SCOPED MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) LB_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() LB_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace sluice
