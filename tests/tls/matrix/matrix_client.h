// Ordinary clients on real sockets: OpenSSL, and GnuTLS.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

namespace rondel::tls {

enum class Early {
  none,   ///< Data only once the server's records have their engine.
  whole,  ///< A record together with the client's Finished.
  half,   ///< And half of another one, the rest later.
};
enum class Update { none, silent, requested };

/// One row of the matrix.
struct Case {
  const char* cipher = "TLS_AES_128_GCM_SHA256";  ///< Null: TLS 1.2.
  int tickets = 1;
  Early early = Early::none;
  bool is_server_closing = false;
  Update update = Update::none;
  std::size_t bytes = 100;
  std::size_t record_bytes = 16384;
  std::size_t padding = 0;

  [[nodiscard]] std::string name() const;
};

struct ClientResult {
  std::string error;  ///< Empty: all as it should be.
  std::size_t echoed = 0;
  bool is_end_orderly = false;  ///< The server said close_notify.
};

/// What the server has reached; the client waits for it.
struct Gate {
  const std::atomic<bool>& is_established;
  const std::atomic<bool>& is_settled;
};

/// Sends `bytes` bytes and reads them back, with everything that the case asks for. Closes `fd`.
ClientResult run_openssl_client(int fd, const Case& wanted, const Gate& gate);
ClientResult run_gnutls_client(int fd, const Case& wanted);
/// Shakes hands, waits for the gate, then writes `wire` sealed or raw; what the server says at
/// last.
enum class Evil {
  changed_bit,
  garbage,
  long_record,
  handshake_message,
  empty_records,
  control_flood,
  fin,
  reset,
  user_canceled
};
struct EvilResult {
  int alert = -1;
  bool is_end_orderly = false;
  std::string error;
};
EvilResult run_evil_client(int fd, Evil evil, const Gate& gate);
[[nodiscard]] const char* evil_name(Evil evil);

}  // namespace rondel::tls
