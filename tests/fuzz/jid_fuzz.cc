// Any bytes as an address: what is accepted is a fixed point, within its limits, and split the same
// way whichever function reads it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "xml/arena.h"
#include "xmpp/jid.h"

namespace rondel::xmpp {
namespace {

void check_parts(const Jid& jid) {
  RONDEL_CHECK(!jid.domain().empty());
  RONDEL_CHECK(jid.local().size() <= kJidPartBytesMax);
  RONDEL_CHECK(jid.domain().size() <= kJidPartBytesMax);
  RONDEL_CHECK(jid.resource().size() <= kJidPartBytesMax);
  RONDEL_CHECK(jid.has_local() == !jid.local().empty());
  RONDEL_CHECK(jid.has_resource() == !jid.resource().empty());
  RONDEL_CHECK(jid.local().find_first_of("\"&'/:<>@ ") == std::string_view::npos);
  RONDEL_CHECK(jid.domain().find_first_of("@/ _\"'<>&") == std::string_view::npos);
  RONDEL_CHECK(!jid.domain().ends_with('.') && !jid.domain().starts_with('.'));
  for (const unsigned char c : jid.full()) {
    RONDEL_CHECK(c >= 0x20 && c != 0x7f);
  }
}

void run(std::string_view text) {
  xml::Arena arena;
  const auto view = parse_jid_into(text, arena);
  const auto jid = Jid::parse(text);
  RONDEL_CHECK(view.has_value() == jid.has_value());
  if (!jid) {
    RONDEL_CHECK(view.error() == jid.error());
    return;
  }
  RONDEL_CHECK(*view == jid->view());
  RONDEL_CHECK(base::is_valid_utf8(jid->full()));
  check_parts(*jid);
  const auto again = Jid::parse(jid->full());
  RONDEL_CHECK(again.has_value() && *again == *jid);
  RONDEL_CHECK(again->local() == jid->local() && again->resource() == jid->resource());
  const auto from_parts = Jid::from_parts(jid->local(), jid->domain(), jid->resource());
  RONDEL_CHECK(from_parts.has_value() && *from_parts == *jid);
  const Jid bare(jid->view().bare_view());
  check_parts(bare);
  RONDEL_CHECK(Jid::parse(bare.full()).value() == bare);
}

}  // namespace
}  // namespace rondel::xmpp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rondel::xmpp::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
