#include "log/writer/crash_flush.h"

#include <array>
#include <atomic>
#include <csignal>
#include <poll.h>

#include "log/writer/writer_thread.h"

namespace rondel::log {
namespace {

constexpr std::array kSignals{SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE};

// A signal handler has no other way to its data.
std::atomic<WriterThread*> crashing_writer{nullptr};
std::atomic<bool> is_crashing{false};
std::array<struct sigaction, kSignals.size()> previous;

void handle(int signal_number) {
  if (!is_crashing.exchange(true)) {
    if (WriterThread* writer = crashing_writer.load()) {
      writer->flush_crashing(signal_number);
    }
  } else {
    // Another thread is flushing and will end the process; or the flush itself crashed: then this
    // bounds it.
    ::poll(nullptr, 0, 2000);
  }
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] == signal_number) {
      ::sigaction(signal_number, &previous[i], nullptr);
    }
  }
  // Delivered as soon as this handler returns and the signal is unblocked.
  ::raise(signal_number);
}

}  // namespace

void install_crash_handlers(WriterThread& writer) {
  if (crashing_writer.exchange(&writer) != nullptr) {
    return;
  }
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &action, &previous[i]);
  }
}

void forget_crash_handlers(const WriterThread& writer) {
  if (crashing_writer.load() != &writer) {
    return;
  }
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &previous[i], nullptr);
  }
  crashing_writer.store(nullptr);
}

}  // namespace rondel::log
