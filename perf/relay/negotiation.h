// The few words of XMPP that a client needs before its bytes are copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "xml/framer.h"

namespace rondel::perf {

/// The value of an attribute in the first tag of `element`, or nothing; entities stay as they are.
[[nodiscard]] std::string_view attribute_of(std::string_view element, std::string_view name);

/// When a connection's bytes begin to be copied.
enum class RelayBegin : std::uint8_t {
  bind,      ///< Behind the answer to resource binding.
  presence,  ///< Behind the first presence, which is echoed.
};

/// Canned answers: stream header, PLAIN (any password is right), binding, empty results for other
/// requests.
///
/// Thread: one. Limits: those of base::kUnauthenticatedLimits for an element.
class Negotiation {
 public:
  enum class State : std::uint8_t { going_on, done, failed };

  explicit Negotiation(RelayBegin begin) : begin_(begin) {}

  /// Takes bytes of the client and appends answers to `output`. Once done, `rest` are the bytes
  /// behind the negotiation.
  State feed(std::span<const std::byte> bytes,
             base::ByteBuffer& output,
             std::span<const std::byte>& rest);

  /// The local part that the client logged in with.
  [[nodiscard]] const std::string& user() const { return user_; }
  [[nodiscard]] bool is_bound() const { return is_bound_; }

 private:
  State handle(std::string_view element, base::ByteBuffer& output);
  void open_stream(std::string_view header, base::ByteBuffer& output);
  State request(std::string_view element, base::ByteBuffer& output);

  RelayBegin begin_;
  bool is_bound_ = false;
  xml::Framer framer_;
  std::string partial_;
  std::string domain_;
  std::string user_;
  std::string address_;
};

}  // namespace rondel::perf
