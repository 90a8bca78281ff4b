// Through this a module registers what it does; everything is recorded by owner.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/task.h"
#include "config/snapshot.h"
#include "hooks/plan.h"
#include "modules/api/auth.h"
#include "modules/api/contexts.h"
#include "modules/api/iq.h"
#include "modules/api/module.h"
#include "modules/api/raw_interface.h"
#include "modules/api/session.h"
#include "modules/api/shard.h"
#include "store/storage.h"

namespace rondel::api {

/// When a stream feature is offered.
enum class FeatureStage : std::uint8_t {
  encryption,      ///< Before authentication, also where TLS is still required (STARTTLS).
  authentication,  ///< Before authentication, once the stream is as secure as the interface
                   ///< demands.
  session,         ///< After authentication.
};

/// What happens to a presence after the presence handler has seen it on its way out.
enum class Outbound : std::uint8_t {
  route,  ///< It goes on to its `to`, as the handler left it.
  done,   ///< The handler has done what there was to do.
};

/// What a message without a resource to go to becomes.
enum class Fallback : std::uint8_t { stored, refused, failed };

// What the core keeps of a registration: plain functions over the module's state on the shard.
using IqFunction = IqReply (*)(void* state, const IqRequest& request);
using IqTaskFunction = base::Task<IqReply> (*)(void* state, IqRequest request);
using OutboundPresenceFunction = base::Task<Outbound> (*)(void* state,
                                                          std::string full_jid,
                                                          xmpp::Stanza& stanza);
using InboundPresenceFunction = base::Task<Outcome> (*)(void* state,
                                                        std::string bare_jid,
                                                        xmpp::Stanza& stanza);
using FallbackFunction = base::Task<Fallback> (*)(void* state,
                                                  std::string bare_jid,
                                                  const xmpp::Stanza& stanza);
using AdvertiseFunction = void (*)(void* state, Connection& connection, xml::Document& features);
using ElementFunction = void (*)(void* state, Connection& connection, const xml::Element& element);
using InstallFunction = void (*)(void* state, Connection& connection);
using AuthenticatorFunction = Authenticator& (*)(void* state);
using RawFunction = std::unique_ptr<RawProtocol> (*)(void* state, RawConnection& connection);
using SessionFunction = void (*)(void* state, Session& session);
using AccountFunction = void (*)(void* state, const store::UserKey& user, AccountEvent event);

namespace detail {

template <class Method>
struct MethodTraits;
template <class C, class R, class... A>
struct MethodTraits<R (C::*)(A...)> {
  using Class = C;
  using Return = R;
  template <std::size_t I>
  using Argument = std::tuple_element_t<I, std::tuple<A...>>;
};
template <class C, class R, class... A>
struct MethodTraits<R (C::*)(A...) const> : MethodTraits<R (C::*)(A...)> {};

/// A plain function that calls `kMethod` on the module's state; ShardModule is the common base.
template <auto kMethod, class R, class... A>
R call(void* state, A... arguments) {
  using Class = typename MethodTraits<decltype(kMethod)>::Class;
  auto& module = static_cast<Class&>(*static_cast<ShardModule*>(state));
  return (module.*kMethod)(std::forward<A>(arguments)...);
}

template <class Context>
struct PointOf;
template <>
struct PointOf<BeforeAccept> {
  static constexpr auto value = hooks::Point::before_accept;
};
template <>
struct PointOf<AfterAccept> {
  static constexpr auto value = hooks::Point::after_accept;
};
template <>
struct PointOf<LayerAccept> {
  static constexpr auto value = hooks::Point::layer_accept;
};
template <>
struct PointOf<BeforeInterface> {
  static constexpr auto value = hooks::Point::before_interface;
};
template <>
struct PointOf<AfterInterface> {
  static constexpr auto value = hooks::Point::after_interface;
};
template <>
struct PointOf<BeforeProcess> {
  static constexpr auto value = hooks::Point::before_process;
};
template <>
struct PointOf<AfterProcess> {
  static constexpr auto value = hooks::Point::after_process;
};
template <>
struct PointOf<BeforeSend> {
  static constexpr auto value = hooks::Point::before_send;
};
template <>
struct PointOf<AfterSend> {
  static constexpr auto value = hooks::Point::after_send;
};

template <auto kMethod, class Context>
hooks::Verdict call_hook(void* state, void* context) {
  return call<kMethod, hooks::Verdict, Context&>(state, *static_cast<Context*>(context));
}

}  // namespace detail

/// What a module registers with; valid during Module::load().
///
/// Every `&Class::method` is a member of the module's ShardModule class. Thread: start-up.
class Registrar {
 public:
  virtual ~Registrar() = default;

  /// The configuration, complete and checked.
  [[nodiscard]] virtual const config::Snapshot& config() const = 0;

  /// `Verdict Class::method(BeforeProcess&)`: the context's type names the point.
  template <auto kMethod>
  void add_hook(std::string name, hooks::Order order = {}) {
    using Context = std::remove_reference_t<
        typename detail::MethodTraits<decltype(kMethod)>::template Argument<0>>;
    register_hook(detail::PointOf<Context>::value, std::move(name), std::move(order),
                  &detail::call_hook<kMethod, Context>);
  }

  /// `IqReply method(const IqRequest&)`, or `Task<IqReply> method(IqRequest)` for one that waits.
  template <auto kMethod>
  void add_iq(const IqRoute& route) {
    using Return = typename detail::MethodTraits<decltype(kMethod)>::Return;
    if constexpr (std::is_same_v<Return, IqReply>) {
      register_iq(route, &detail::call<kMethod, IqReply, const IqRequest&>, nullptr);
    } else {
      register_iq(route, nullptr, &detail::call<kMethod, base::Task<IqReply>, IqRequest>);
    }
  }

  /// `kOutbound`: every presence that a session of this shard sends, before it is routed (one
  /// without `to` is for the user's own account, and ends here): `Task<Outbound>
  /// outbound(std::string full_jid, Stanza&)`. The session's next stanza waits for the task.
  /// `kInbound`: every presence for an account of this shard: `Task<Outcome> inbound(std::string
  /// bare_jid, Stanza&)`. The account's next stanza waits for the task. The stanza outlives the
  /// task. One module can be the handler.
  template <auto kOutbound, auto kInbound>
  void set_presence_handler() {
    register_presence_handler(
        &detail::call<kOutbound, base::Task<Outbound>, std::string, xmpp::Stanza&>,
        &detail::call<kInbound, base::Task<Outcome>, std::string, xmpp::Stanza&>);
  }

  /// Messages to an account that no resource may take now (RFC 6121 §8.5.2.2):
  /// `Task<Fallback> method(std::string bare_jid, const Stanza&)`; the stanza outlives the task.
  template <auto kMethod>
  void set_message_fallback() {
    register_message_fallback(
        &detail::call<kMethod, base::Task<Fallback>, std::string, const xmpp::Stanza&>);
  }

  /// `void advertise(Connection&, xml::Document& features)` adds a child where it applies.
  template <auto kAdvertise>
  void add_stream_feature(FeatureStage stage) {
    register_stream_feature(stage, &detail::call<kAdvertise, void, Connection&, xml::Document&>, {},
                            nullptr);
  }
  /// As above; first-level elements of namespace `ns` that arrive in that stage go to
  /// `void element(Connection&, const xml::Element&)`.
  template <auto kAdvertise, auto kElement>
  void add_stream_feature(FeatureStage stage, std::string ns) {
    register_stream_feature(stage, &detail::call<kAdvertise, void, Connection&, xml::Document&>,
                            std::move(ns),
                            &detail::call<kElement, void, Connection&, const xml::Element&>);
  }

  /// `void install(Connection&)`: called for each connection of an interface that names this module
  /// in `extensions` (and for the module "layer-tls" where `tls` is "direct"), before its first
  /// read.
  template <auto kInstall>
  void set_extension() {
    register_extension(&detail::call<kInstall, void, Connection&>);
  }

  /// `Authenticator& method()`: serves interfaces that name it in `auth`; `name` is what they say.
  /// `asks_for_accounts` is false if all identities that it gives are temporary: its hosts need no
  /// storage of users.
  template <auto kMethod>
  void add_authenticator(std::string name, bool asks_for_accounts = true) {
    register_authenticator(std::move(name), &detail::call<kMethod, Authenticator&>,
                           asks_for_accounts);
  }

  /// A storage, not yet opened. For each host and kind of data the one that [host.storage] names
  /// serves, or else the first that holds it.
  virtual void add_storage(std::unique_ptr<store::Storage> storage) = 0;

  /// `std::unique_ptr<RawProtocol> method(RawConnection&)`: a listener on the first shard.
  template <auto kMethod>
  void add_raw_interface(RawInterface interface) {
    register_raw_interface(std::move(interface),
                           &detail::call<kMethod, std::unique_ptr<RawProtocol>, RawConnection&>);
  }

  /// `void method(Session&)` after a resource was bound, and before a session goes.
  template <auto kStarted, auto kEnded>
  void add_session_observer() {
    register_session_observer(&detail::call<kStarted, void, Session&>,
                              &detail::call<kEnded, void, Session&>);
  }
  /// `void method(const store::UserKey&, AccountEvent)` on the account's home shard.
  template <auto kMethod>
  void add_account_observer() {
    register_account_observer(&detail::call<kMethod, void, const store::UserKey&, AccountEvent>);
  }

  /// A feature for service discovery that no IQ route announces by itself.
  virtual void add_disco_feature(std::string feature, bool for_host, bool for_account) = 0;
  virtual void add_disco_identity(DiscoIdentity identity, bool for_host, bool for_account) = 0;

  template <class State>
  [[nodiscard]] SessionSlot<State> add_session_slot() {
    return {next_session_slot()};
  }
  template <class State>
  [[nodiscard]] UserSlot<State> add_user_slot() {
    return {next_user_slot()};
  }

 protected:
  virtual void register_hook(hooks::Point point,
                             std::string name,
                             hooks::Order order,
                             hooks::Entry::Function function) = 0;
  virtual void register_iq(const IqRoute& route, IqFunction function, IqTaskFunction task) = 0;
  virtual void register_presence_handler(OutboundPresenceFunction outbound,
                                         InboundPresenceFunction inbound) = 0;
  virtual void register_message_fallback(FallbackFunction function) = 0;
  virtual void register_stream_feature(FeatureStage stage,
                                       AdvertiseFunction advertise,
                                       std::string ns,
                                       ElementFunction element) = 0;
  virtual void register_extension(InstallFunction install) = 0;
  virtual void register_authenticator(std::string name,
                                      AuthenticatorFunction function,
                                      bool asks_for_accounts) = 0;
  virtual void register_raw_interface(RawInterface interface, RawFunction function) = 0;
  virtual void register_session_observer(SessionFunction started, SessionFunction ended) = 0;
  virtual void register_account_observer(AccountFunction function) = 0;
  virtual std::uint8_t next_session_slot() = 0;
  virtual std::uint8_t next_user_slot() = 0;
};

}  // namespace rondel::api
