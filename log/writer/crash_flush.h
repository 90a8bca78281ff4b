// Writes out the log when the process dies of a signal.
#pragma once

namespace rondel::log {

class WriterThread;

/// Handles SIGSEGV, SIGABRT, SIGBUS, SIGILL and SIGFPE: flushes `writer`, then raises the signal
/// again with the action that it had before.
///
/// One writer of a process. Only async-signal-safe calls are made.
void install_crash_handlers(WriterThread& writer);
/// Forgets `writer`; does nothing if another one is installed.
void forget_crash_handlers(const WriterThread& writer);

}  // namespace rondel::log
