// Preloaded into User-Mode Linux: hands the kernel the whole extended state of a guest's process.
//
// User-Mode Linux of 6.1 knows states of 2,696 bytes, up to AVX-512 and protection keys. A
// processor with AMX has 11,008, and the kernel takes all of it or answers EFAULT: no guest gets as
// far as its first program. What User-Mode Linux does not know stays as the process has it.
#include <cstdarg>
#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

namespace {

using Ptrace = long (*)(long, long, void*, void*);

// Intel SDM volume 1, §13.4.2: the header stands at 512, and begins with the components that are
// not in their first state.
constexpr std::size_t kHeaderAt = 512;
/// Components 0 to 9: x87 to protection keys.
constexpr std::uint64_t kKnown = 0x3ff;

alignas(64) char whole[64 * 1024];

std::uint64_t components_of(const char* state) {
  std::uint64_t components;
  std::memcpy(&components, state + kHeaderAt, sizeof components);
  return components;
}

/// Lays what is given over what the process has; `given` shows both then.
void complete(Ptrace real, long process, iovec& given) {
  iovec has{whole, sizeof whole};
  if (real(PTRACE_GETREGSET, process, reinterpret_cast<void*>(NT_X86_XSTATE), &has) < 0 ||
      given.iov_len >= has.iov_len || given.iov_len < kHeaderAt + sizeof(std::uint64_t)) {
    return;
  }
  const auto* known = static_cast<const char*>(given.iov_base);
  const std::uint64_t components =
      (components_of(known) & kKnown) | (components_of(whole) & ~kKnown);
  std::memcpy(whole, known, given.iov_len);
  std::memcpy(whole + kHeaderAt, &components, sizeof components);
  given = has;
}

}  // namespace

extern "C" long ptrace(enum __ptrace_request request, ...) {
  static const auto real = reinterpret_cast<Ptrace>(dlsym(RTLD_NEXT, "ptrace"));
  va_list arguments;
  va_start(arguments, request);
  const long process = va_arg(arguments, int);
  void* const address = va_arg(arguments, void*);
  void* data = va_arg(arguments, void*);
  va_end(arguments);
  iovec state{};
  if (request == PTRACE_SETREGSET && address == reinterpret_cast<void*>(NT_X86_XSTATE)) {
    state = *static_cast<const iovec*>(data);
    complete(real, process, state);
    data = &state;
  }
  return real(request, process, address, data);
}
