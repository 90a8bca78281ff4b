// What the presence module remembers of a session: since when it is there, and whom it told apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "modules/api/session.h"
#include "xmpp/jid.h"

namespace rondel::modules::presence {

/// A sorted set of addresses.
class AddressSet {
 public:
  [[nodiscard]] bool contains(std::string_view address) const;
  /// False: it was there already.
  bool add(std::string_view address);
  void remove(std::string_view address);
  /// All addresses of one bare JID, with and without a resource.
  void remove_all_of(std::string_view bare_jid);
  void clear() { addresses_.clear(); }
  [[nodiscard]] std::size_t size() const { return addresses_.size(); }
  [[nodiscard]] const std::vector<std::string>& all() const { return addresses_; }

 private:
  std::vector<std::string> addresses_;
};

/// Hangs on a session that has sent presence. Source: RFC 6121 §4.6.
class PresenceSession final : public api::ModuleState {
 public:
  /// Who may be sent directed presence by one session at a time; more is policy-violation.
  static constexpr std::size_t kDirectedMax = 1000;

  /// Directed available presence goes to `address`. False: too many have got some.
  [[nodiscard]] bool directed_available(xmpp::JidView address);
  /// Directed unavailable presence goes to `address`; `is_covered`: it also gets broadcasts, from
  /// which it is now left out (§4.6.3), until the next available one.
  void directed_unavailable(xmpp::JidView address, bool is_covered);
  /// An available presence was broadcast; `now_ms` is the wall clock.
  void announced(std::int64_t now_ms);
  /// Everything is over; directed presence too.
  void withdrawn();

  /// Told of this session by directed presence alone, or besides.
  [[nodiscard]] const AddressSet& directed() const;
  /// True if `address` was sent directed presence, itself or as one of its account.
  [[nodiscard]] bool was_directed_to(xmpp::JidView address) const;
  /// Left out of broadcasts until the next available one.
  [[nodiscard]] bool leaves_out(std::string_view bare_jid) const {
    return told_ && told_->left_out.contains(bare_jid);
  }
  /// Wall clock in milliseconds of the last available broadcast.
  [[nodiscard]] std::int64_t announced_ms() const { return announced_ms_; }

 private:
  struct Told {
    AddressSet directed;
    AddressSet left_out;  ///< Bare JIDs.
  };

  Told& told();

  std::unique_ptr<Told> told_;  ///< Null, as most sessions only broadcast.
  std::int64_t announced_ms_ = 0;
};

}  // namespace rondel::modules::presence
