#include "log/writer/writer_thread.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <future>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>
#include <utility>

#include "base/clock.h"

namespace rondel::log {
namespace {

// While lines come, the writer looks for more every 5 ms and nobody has to wake it; after 100 ms of
// silence it sleeps and the next line wakes it: so wake-ups are at most ten in a second, whatever
// is logged.
constexpr std::uint64_t kNapMs = 5;
constexpr std::uint64_t kQuietMs = 100;
constexpr std::uint64_t kSleepMaxMs = 250;
constexpr std::uint64_t kReportPeriodMs = 1000;

std::int64_t wall_clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             base::wall_clock_now().time_since_epoch())
      .count();
}

// Signals go to main; but a fault of this thread must find its handler.
void block_signals() {
  sigset_t blocked;
  sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE}) {
    sigdelset(&blocked, fault);
  }
  pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
}

}  // namespace

void ReaderSeat::take() {
  int expected = kFree;
  while (!state_.compare_exchange_strong(expected, kWriter, std::memory_order_acquire)) {
    ::poll(nullptr, 0, 1000);
    expected = kFree;
  }
}

void ReaderSeat::take_for_crash(int wait_max_ms) {
  int expected = kFree;
  while (!state_.compare_exchange_strong(expected, kCrash, std::memory_order_acquire) &&
         wait_max_ms-- > 0) {
    ::poll(nullptr, 0, 1);
    expected = kFree;
  }
  state_.store(kCrash, std::memory_order_release);
}

WriterThread::WriterThread(Hub& hub, LogWriterOptions options, std::unique_ptr<Output> main_output)
    : hub_(hub), options_(std::move(options)) {
  outputs_[0] = std::move(main_output);
}

WriterThread::~WriterThread() {
  stop();
  hub_.set_reader(nullptr);
}

base::Result<void> WriterThread::start(RingFactory make_ring) {
  std::promise<base::Result<void>> started;
  auto has_started = started.get_future();
  thread_ = std::thread([this, &started, factory = std::move(make_ring)]() mutable {
    block_signals();
    pthread_setname_np(pthread_self(), "rondel-log");
    auto ring = factory();
    factory = nullptr;
    if (!ring) {
      started.set_value(base::Unexpected(std::move(ring).error()));
      return;
    }
    ring_ = std::move(ring).value();
    may_wake_.store(true);
    hub_.set_reader(this);
    started.set_value({});
    run();
    drop_ring();
  });
  auto result = has_started.get();
  if (!result) {
    thread_.join();
  }
  return result;
}

void WriterThread::stop() {
  if (thread_.joinable()) {
    is_stopping_.store(true, std::memory_order_release);
    wake();
    thread_.join();
  }
}

void WriterThread::reopen() {
  is_reopen_asked_.store(true, std::memory_order_release);
  wake();
}

void WriterThread::wake() {
  // Neither side waits for a lock: a waker announces itself, and the ring goes when none is inside.
  waking_.fetch_add(1);
  if (may_wake_.load()) {
    ring_->wake();
  }
  waking_.fetch_sub(1);
}

void WriterThread::drop_ring() {
  may_wake_.store(false);
  while (waking_.load() > 0) {
    std::this_thread::yield();
  }
  ring_.reset();
}

bool WriterThread::write_now_blocking(const LineView& line) {
  std::array<char, kRenderedBytesMax> room;
  return outputs_[0]->write_now_blocking(line, room);
}

base::Result<const FileChannel*> WriterThread::open_file_channel(const std::string& path) {
  const std::lock_guard lock(opening_);
  const std::size_t used = outputs_used();
  for (std::size_t i = 1; i < used; ++i) {
    if (channels_[i]->path() == path) {
      return channels_[i].get();
    }
  }
  if (used == outputs_.size()) {
    return base::Unexpected(base::Error(
        fmt::format("{}: there are {} log files open, which is the limit", path, used - 1)));
  }
  OutputOptions options{.destination = {Destination::Kind::file, path},
                        .form = Form::verbatim,
                        .retry_ms = options_.retry_ms};
  RONDEL_TRY(outputs_[used], Output::open(std::move(options)));
  channels_[used] = std::make_unique<FileChannel>(hub_, path, static_cast<std::uint16_t>(used));
  outputs_used_.store(used + 1, std::memory_order_release);
  return channels_[used].get();
}

bool WriterThread::take(const LineView& line) {
  return outputs_[line.output]->take(line);
}

void WriterThread::completed(const ring::Completion& completion) {
  if (completion.tag.op != ring::Op::write && completion.tag.op != ring::Op::send) {
    return;
  }
  seat_.take();
  outputs_[completion.tag.owner.slot]->completed(completion.result, base::monotonic_ms());
  seat_.leave();
}

void WriterThread::run() {
  std::uint64_t give_up_at_ms = ~std::uint64_t{0};
  bool is_closed = false;
  while (true) {
    const std::uint64_t now_ms = base::monotonic_ms();
    const bool is_stopping = is_stopping_.load(std::memory_order_acquire);
    turn(now_ms);
    if (is_stopping) {
      give_up_at_ms = std::min(give_up_at_ms, now_ms + options_.stop_max_ms);
      if (now_ms >= give_up_at_ms || (is_closed && is_done())) {
        break;
      }
      if (is_done()) {
        // One more turn for what was queued in between; from here on errors are written directly.
        hub_.close();
        is_closed = true;
        continue;
      }
    }
    wait(now_ms);
  }
  hub_.close();
}

void WriterThread::turn(std::uint64_t now_ms) {
  seat_.take();
  if (!outputs_[0]->is_writing()) {
    // Only now does it take what these have to say.
    if (is_reopen_asked_.exchange(false, std::memory_order_acq_rel)) {
      reopen_all();
    }
    report_recovery();
    report_drops(now_ms);
  }
  if (!hub_.empty()) {
    active_at_ms_ = now_ms;
    hub_.drain(*this);
  }
  const std::size_t used = outputs_used();
  for (std::uint32_t i = 0; i < used; ++i) {
    const bool is_datagram = outputs_[i]->kind() == Destination::Kind::journal ||
                             outputs_[i]->kind() == Destination::Kind::syslog;
    const ring::Op op = is_datagram ? ring::Op::send : ring::Op::write;
    outputs_[i]->start(*ring_, {op, {i, 0}}, now_ms);
  }
  seat_.leave();
  report_failure();
}

void WriterThread::wait(std::uint64_t now_ms) {
  const bool is_empty = hub_.empty();
  std::uint64_t wait_ms = is_empty ? kSleepMaxMs : kNapMs;
  const std::size_t used = outputs_used();
  for (std::size_t i = 0; i < used; ++i) {
    const Output& output = *outputs_[i];
    if (output.is_writing()) {
      // Its completion ends the wait, and what is in the lanes has to wait for it.
      continue;
    }
    if (!output.empty()) {
      const std::uint64_t due_ms = output.retry_at_ms();
      wait_ms = std::min(wait_ms, due_ms > now_ms ? due_ms - now_ms : 0);
    }
  }
  const bool sleeps = is_empty && now_ms - active_at_ms_ >= kQuietMs;
  if (sleeps) {
    hub_.set_sleeping(true);
    wait_ms = hub_.empty() ? wait_ms : 0;
  } else {
    wait_ms = std::min(wait_ms, kNapMs);
  }
  ring_->run_once(base::Milliseconds(wait_ms), *this);
  if (sleeps) {
    hub_.set_sleeping(false);
  }
}

bool WriterThread::is_done() const {
  if (!hub_.empty() || dropped(0) != reported_[0] || dropped(1) != reported_[1] ||
      dropped(2) != reported_[2]) {
    return false;
  }
  const auto* end = outputs_.data() + outputs_used();
  return std::all_of(outputs_.data(), end,
                     [](auto& output) { return output->empty() && !output->is_writing(); });
}

void WriterThread::reopen_all() {
  const std::size_t used = outputs_used();
  for (std::size_t i = 0; i < used; ++i) {
    if (const auto result = outputs_[i]->reopen(); !result) {
      report(Level::error, "log.reopen-failed", result.error().message);
    }
  }
}

bool WriterThread::report(Level level, std::string_view event, std::string_view text) {
  const LineView line{.level = level,
                      .time_ns = wall_clock_ns(),
                      .event = event,
                      .text = text.substr(0, kTextBytesMax)};
  return outputs_[0]->take(line);
}

void WriterThread::report_recovery() {
  const std::size_t used = outputs_used();
  for (std::size_t i = 0; i < used; ++i) {
    if (const std::uint64_t lasted_ms = outputs_[i]->take_recovery_ms(); lasted_ms > 0) {
      const std::string name = outputs_[i]->path().empty() ? "stderr" : outputs_[i]->path();
      report(Level::error, "log.recovered",
             fmt::format("{} takes lines again after {} ms; the last error was: {}", name,
                         lasted_ms, std::strerror(outputs_[i]->failure())));
      reported_at_ms_ = 0;
    }
  }
}

void WriterThread::report_failure() {
  const bool is_failing = outputs_[0]->is_failing();
  if (is_failing && !was_failing_ && outputs_[0]->kind() != Destination::Kind::standard_error) {
    const std::string text =
        fmt::format("rondel: the log cannot be written to {}: {}; errors are kept\n",
                    outputs_[0]->path(), std::strerror(outputs_[0]->failure()));
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text.data(), text.size());
  }
  was_failing_ = is_failing;
}

std::uint64_t WriterThread::dropped(std::size_t kind) const {
  return hub_.dropped(static_cast<ThreadLanes::Kind>(kind)) +
         outputs_[0]->dropped(static_cast<Level>(kind));
}

void WriterThread::report_drops(std::uint64_t now_ms) {
  const bool is_stopping = is_stopping_.load(std::memory_order_acquire);
  if (outputs_[0]->is_failing() || (now_ms - reported_at_ms_ < kReportPeriodMs && !is_stopping)) {
    return;
  }
  reported_at_ms_ = now_ms;
  for (std::size_t kind = 0; kind < kLevels; ++kind) {
    const std::uint64_t lines = dropped(kind) - reported_[kind];
    const Level level = static_cast<Level>(kind);
    if (lines > 0 && report(level == Level::error ? Level::error : Level::info, "log.dropped",
                            fmt::format("{} {} lines were dropped", lines, level_name(level)))) {
      reported_[kind] += lines;
    }
  }
  const std::size_t used = outputs_used();
  for (std::size_t i = 1; i < used; ++i) {
    const std::uint64_t lines =
        channels_[i]->lines_dropped() + outputs_[i]->dropped(Level::info) - reported_of_file_[i];
    if (lines > 0 &&
        report(Level::info, "log.dropped",
               fmt::format("{} lines of {} were dropped", lines, channels_[i]->path()))) {
      reported_of_file_[i] += lines;
    }
  }
}

void WriterThread::flush_crashing(int signal_number) {
  // A crash of the writer itself, inside its turn, waits in vain; it is short.
  seat_.take_for_crash(pthread_equal(pthread_self(), thread_.native_handle()) ? 0 : 500);
  const std::size_t used = outputs_used();
  for (std::size_t i = 0; i < used; ++i) {
    outputs_[i]->flush_crashing();
  }
  struct Direct final : LineSink {
    explicit Direct(WriterThread& writer) : self(writer) {}
    bool take(const LineView& line) override {
      self.outputs_[line.output]->write_now_blocking(line, self.crash_room_);
      return true;
    }
    WriterThread& self;
  };
  Direct direct(*this);
  hub_.drain(direct);
  char text[] = "the process was ended by signal 00";
  text[sizeof text - 3] = static_cast<char>('0' + signal_number / 10);
  text[sizeof text - 2] = static_cast<char>('0' + signal_number % 10);
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  direct.take({.level = Level::error,
               .time_ns = static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec,
               .event = "log.crash",
               .text = text});
}

}  // namespace rondel::log
