// A limit of open files that is met soon.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

namespace rondel::tests {

/// Lets the process open so many more files than it has, until this goes.
class FewFiles {
 public:
  explicit FewFiles(rlim_t more) {
    getrlimit(RLIMIT_NOFILE, &before_);
    // The lowest free number is the first that must not be handed out.
    const int lowest_free = dup(0);
    ::close(lowest_free);
    const rlimit few{static_cast<rlim_t>(lowest_free) + more, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewFiles() { setrlimit(RLIMIT_NOFILE, &before_); }
  FewFiles(const FewFiles&) = delete;
  FewFiles& operator=(const FewFiles&) = delete;

 private:
  rlimit before_{};
};

}  // namespace rondel::tests
