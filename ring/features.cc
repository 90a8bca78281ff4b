#include "ring/features.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <liburing.h>
#include <memory>
#include <string_view>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <utility>

#include "ring/kernel_ring.h"

namespace rondel::ring {

namespace {

constexpr std::array<std::pair<unsigned, std::string_view>, 5> kFlagNames{{
    {IORING_SETUP_DEFER_TASKRUN, "DEFER_TASKRUN"},
    {IORING_SETUP_SINGLE_ISSUER, "SINGLE_ISSUER"},
    {IORING_SETUP_COOP_TASKRUN, "COOP_TASKRUN"},
    {IORING_SETUP_TASKRUN_FLAG, "TASKRUN_FLAG"},
    {IORING_SETUP_SUBMIT_ALL, "SUBMIT_ALL"},
}};

std::string kernel_release() {
  utsname name{};
  return uname(&name) == 0 ? name.release : "unknown";
}

/// kernel.io_uring_disabled, or 0 where the kernel has no such setting (before 6.6).
int io_uring_disabled() {
  std::ifstream file("/proc/sys/kernel/io_uring_disabled");
  int value = 0;
  return file >> value ? value : 0;
}

std::string reason(int error_number) {
  const std::string release = kernel_release();
  switch (error_number) {
    case ENOSYS:
    case EINVAL:
      return fmt::format(
          "this kernel ({}) has no io_uring, or one that is too old: Rondel needs Linux 6.1 or "
          "newer, with CONFIG_IO_URING",
          release);
    case EPERM:
    case EACCES:
      if (const int disabled = io_uring_disabled(); disabled != 0) {
        return fmt::format(
            "io_uring is switched off on this host: kernel.io_uring_disabled is {}; set it to 0 "
            "(sysctl kernel.io_uring_disabled=0){}",
            disabled,
            disabled == 1 ? ", or put the server's user into the group of kernel.io_uring_group"
                          : "");
      }
      return "io_uring is forbidden to this process, most likely by a container's seccomp profile "
             "or a systemd SystemCallFilter: allow io_uring_setup, io_uring_enter and "
             "io_uring_register";
    case ENOMEM:
      return "the kernel refused the memory for io_uring: raise the locked-memory limit (systemd: "
             "LimitMEMLOCK=infinity; shell: ulimit -l unlimited) or the memory limit of the "
             "container or service";
    case EMFILE:
    case ENFILE:
      return "no file descriptor is left for io_uring: raise the limit of open files (systemd: "
             "LimitNOFILE=1048576; shell: ulimit -n)";
    default:
      return fmt::format("the kernel ({}) refused io_uring: {}", release, strerror(error_number));
  }
}

/// Both ends of a connection within this process, closed at the end.
class LocalPair {
 public:
  LocalPair() { is_made_ = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) == 0; }
  ~LocalPair() {
    for (const int fd : ends_) {
      ::close(fd);
    }
  }
  LocalPair(const LocalPair&) = delete;
  LocalPair& operator=(const LocalPair&) = delete;

  [[nodiscard]] bool is_made() const { return is_made_; }
  [[nodiscard]] int far_end() const { return ends_[1]; }
  bool move_near_end_to(KernelRing& kernel, unsigned place) {
    const bool is_moved = kernel.try_set_file(place, ends_[0]);
    ::close(std::exchange(ends_[0], -1));
    return is_moved;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
  bool is_made_ = false;
};

/// Looks whether a socket that leaves the table is closed while an older operation on another one
/// goes on.
bool has_prompt_file_table() {
  auto kernel = KernelRing::create(2, 4);
  if (!kernel || !(*kernel)->enable() || !(*kernel)->try_make_file_table(2)) {
    return false;
  }
  LocalPair idle, leaving;
  if (!idle.is_made() || !leaving.is_made() || !idle.move_near_end_to(**kernel, 0) ||
      !leaving.move_near_end_to(**kernel, 1)) {
    return false;
  }
  char byte = 0;
  io_uring_sqe* receive = (*kernel)->next_entry();
  io_uring_prep_recv(receive, 0, &byte, 1, 0);
  receive->flags |= IOSQE_FIXED_FILE;
  const bool is_waiting = (*kernel)->enter(base::Nanoseconds(0)) == 0;
  const bool has_left = (*kernel)->try_set_file(1, -1);
  return is_waiting && has_left && recv(leaving.far_end(), &byte, 1, MSG_DONTWAIT) == 0;
}

}  // namespace

base::Error setup_error(int error_number) {
  return {"cannot start the event loop: " + reason(error_number),
          std::error_code(error_number, std::generic_category())};
}

std::string Features::description() const {
  std::string flags;
  for (const auto& [flag, name] : kFlagNames) {
    if (setup_flags & flag) {
      flags += ' ';
      flags += name;
    }
  }
  return fmt::format("io_uring on {}:{}{}{}{}, {} opcodes", kernel_release, flags,
                     has_message_ring ? " MSG_RING" : "", has_restrictions ? " RESTRICTIONS" : "",
                     has_prompt_file_table ? " FILE_TABLE" : "", opcodes);
}

base::Result<Features> probe_features() {
  RONDEL_TRY(std::unique_ptr<KernelRing> kernel, KernelRing::create(2, 4));
  Features features;
  features.kernel_release = kernel_release();
  features.setup_flags = kernel->setup_flags();
  features.has_deferred_completions = features.setup_flags & IORING_SETUP_DEFER_TASKRUN;
  if (io_uring_probe* probe = io_uring_get_probe_ring(&kernel->raw())) {
    features.opcodes = probe->last_op + 1U;
    features.has_message_ring = io_uring_opcode_supported(probe, IORING_OP_MSG_RING);
    const bool is_new_enough = io_uring_opcode_supported(probe, IORING_OP_SEND_ZC);
    io_uring_free_probe(probe);
    if (!is_new_enough) {  // Came with multishot receive, in 6.0.
      return base::Unexpected(setup_error(ENOSYS));
    }
  }
  features.has_restrictions = kernel->try_restrict();
  features.has_prompt_file_table = has_prompt_file_table();
  return features;
}

}  // namespace rondel::ring
