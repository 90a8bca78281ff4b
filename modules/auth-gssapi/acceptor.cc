#include "modules/auth-gssapi/acceptor.h"

#include <fmt/format.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>

namespace rondel::modules::auth_gssapi {

using xmpp::SaslFailure;

namespace {

gss_buffer_desc buffer_of(std::string_view text) {
  return {.length = text.size(), .value = const_cast<char*>(text.data())};
}

/// A buffer that the library allocates.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    OM_uint32 minor = 0;
    gss_release_buffer(&minor, &buffer_);
  }
  gss_buffer_t out() { return &buffer_; }
  [[nodiscard]] std::string text() const {
    return {static_cast<const char*>(buffer_.value), buffer_.length};
  }

 private:
  gss_buffer_desc buffer_ = GSS_C_EMPTY_BUFFER;
};

std::string message_of(OM_uint32 code, int type) {
  OM_uint32 minor = 0;
  OM_uint32 more = 0;
  Buffer text;
  gss_display_status(&minor, code, type, gss_mech_krb5, &more, text.out());
  return text.text();
}

std::string words_of(OM_uint32 major, OM_uint32 minor) {
  return fmt::format("{}: {}", message_of(major, GSS_C_GSS_CODE),
                     message_of(minor, GSS_C_MECH_CODE));
}

/// Whether the error is the server's own: a file that can't be read or written.
bool is_own_trouble(krb5_error_code code) {
  switch (code) {
    case KRB5_RC_IO:
    case KRB5_RC_IO_PERM:
    case KRB5_RC_IO_IO:
    case KRB5_RC_IO_SPACE:
    case KRB5_RC_IO_UNKNOWN:
    case KRB5_RC_MALLOC:
    case KRB5_KT_IOERR:
      return true;
    default:
      return code > 0 && code < 200;  // The system's errors.
  }
}

SaslFailure failure_of(OM_uint32 major, OM_uint32 minor) {
  const auto code = static_cast<krb5_error_code>(minor);
  switch (GSS_ROUTINE_ERROR(major)) {
    case GSS_S_CREDENTIALS_EXPIRED:
    case GSS_S_CONTEXT_EXPIRED:
      return SaslFailure::credentials_expired;
    case GSS_S_DEFECTIVE_TOKEN:
      return SaslFailure::malformed_request;
    case GSS_S_NO_CRED:
      return SaslFailure::temporary_auth_failure;
    default:
      break;
  }
  if (code == KRB5KRB_AP_ERR_TKT_EXPIRED) {
    return SaslFailure::credentials_expired;
  }
  return is_own_trouble(code) ? SaslFailure::temporary_auth_failure : SaslFailure::not_authorized;
}

base::Unexpected<Refusal> refuse(OM_uint32 major, OM_uint32 minor) {
  return base::Unexpected(Refusal(failure_of(major, minor), words_of(major, minor)));
}
base::Unexpected<Refusal> refuse(SaslFailure failure, std::string reason) {
  return base::Unexpected(Refusal(failure, std::move(reason)));
}

bool is_kerberos(gss_OID mechanism) {
  return mechanism != GSS_C_NO_OID && gss_oid_equal(mechanism, gss_mech_krb5) != 0;
}

Accepted<std::string> name_text(gss_name_t name) {
  OM_uint32 minor = 0;
  Buffer text;
  const OM_uint32 major = gss_display_name(&minor, name, text.out(), nullptr);
  if (GSS_ERROR(major)) {
    return refuse(major, minor);
  }
  return text.text();
}

}  // namespace

struct Acceptor::State {
  gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
  gss_ctx_id_t context = GSS_C_NO_CONTEXT;
  gss_name_t client = GSS_C_NO_NAME;
  std::string principal;
  OM_uint32 flags = 0;
  bool is_established = false;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    OM_uint32 minor = 0;
    gss_release_name(&minor, &client);
    gss_delete_sec_context(&minor, &context, GSS_C_NO_BUFFER);
    gss_release_cred(&minor, &credential);
  }
};

Acceptor::Acceptor(Service service, std::string replay_cache, std::string binding)
    : service_(std::move(service)),
      replay_cache_(std::move(replay_cache)),
      binding_(std::move(binding)),
      state_(std::make_unique<State>()) {
}

Acceptor::~Acceptor() = default;

bool Acceptor::is_established() const {
  return state_->is_established;
}
const std::string& Acceptor::principal() const {
  return state_->principal;
}
bool Acceptor::is_bound() const {
  return (state_->flags & GSS_C_CHANNEL_BOUND_FLAG) != 0;
}

Accepted<void> Acceptor::acquire_blocking() {
  const std::string keytab = "FILE:" + service_.keytab;
  const std::string cache = "file2:" + replay_cache_;
  gss_key_value_element_desc elements[] = {{"keytab", keytab.c_str()}, {"rcache", cache.c_str()}};
  const gss_key_value_set_desc store{.count = 2, .elements = elements};
  gss_OID_set_desc mechanisms{.count = 1, .elements = gss_mech_krb5};
  OM_uint32 minor = 0;
  // Any name of the keytab: which one was used is looked at afterwards. A name given here would be
  // looked up in the DNS.
  const OM_uint32 major =
      gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechanisms, GSS_C_ACCEPT,
                            &store, &state_->credential, nullptr, nullptr);
  if (GSS_ERROR(major)) {
    return refuse(SaslFailure::temporary_auth_failure,
                  fmt::format("the keytab {}: {}", service_.keytab, words_of(major, minor)));
  }
  return {};
}

Accepted<std::string> Acceptor::accept_blocking(std::string_view token) {
  if (state_->credential == GSS_C_NO_CREDENTIAL) {
    RONDEL_TRY_VOID(acquire_blocking());
  }
  gss_channel_bindings_struct channel{};
  channel.initiator_addrtype = GSS_C_AF_UNSPEC;
  channel.acceptor_addrtype = GSS_C_AF_UNSPEC;
  channel.application_data = buffer_of(binding_);
  gss_buffer_desc input = buffer_of(token);
  Buffer output;
  gss_OID mechanism = GSS_C_NO_OID;
  OM_uint32 minor = 0;
  const OM_uint32 major = gss_accept_sec_context(
      &minor, &state_->context, state_->credential, &input,
      binding_.empty() ? GSS_C_NO_CHANNEL_BINDINGS : &channel, &state_->client, &mechanism,
      output.out(), &state_->flags, nullptr, nullptr);
  if (GSS_ERROR(major)) {
    return refuse(major, minor);
  }
  if (!is_kerberos(mechanism)) {
    return refuse(SaslFailure::malformed_request, "a token of another mechanism than Kerberos");
  }
  if ((major & GSS_S_CONTINUE_NEEDED) == 0) {
    RONDEL_TRY_VOID(establish_blocking());
  }
  return output.text();
}

Accepted<void> Acceptor::establish_blocking() {
  OM_uint32 minor = 0;
  gss_name_t target = GSS_C_NO_NAME;
  const OM_uint32 major = gss_inquire_context(&minor, state_->context, nullptr, &target, nullptr,
                                              nullptr, nullptr, nullptr, nullptr);
  if (GSS_ERROR(major)) {
    return refuse(major, minor);
  }
  auto service = name_text(target);
  gss_release_name(&minor, &target);
  RONDEL_TRY(const std::string used, std::move(service));
  if (!service_.is(used)) {
    return refuse(SaslFailure::not_authorized,
                  fmt::format("a ticket for {} instead of {}{}{}", used, service_.principal,
                              service_.domain_based.empty() ? "" : " or ", service_.domain_based));
  }
  if ((state_->flags & GSS_C_INTEG_FLAG) == 0 || (state_->flags & GSS_C_ANON_FLAG) != 0) {
    return refuse(SaslFailure::not_authorized, "a context without integrity, or of nobody");
  }
  RONDEL_TRY(state_->principal, name_text(state_->client));
  state_->is_established = true;
  return {};
}

Accepted<std::string> Acceptor::wrap_blocking(std::string_view message) {
  gss_buffer_desc input = buffer_of(message);
  Buffer output;
  OM_uint32 minor = 0;
  const OM_uint32 major =
      gss_wrap(&minor, state_->context, 0, GSS_C_QOP_DEFAULT, &input, nullptr, output.out());
  if (GSS_ERROR(major)) {
    return refuse(major, minor);
  }
  return output.text();
}

Accepted<std::string> Acceptor::unwrap_blocking(std::string_view message) {
  gss_buffer_desc input = buffer_of(message);
  Buffer output;
  OM_uint32 minor = 0;
  const OM_uint32 major =
      gss_unwrap(&minor, state_->context, &input, output.out(), nullptr, nullptr);
  if (major != GSS_S_COMPLETE) {  // Duplicates and gaps are no errors to GSSAPI; here they are.
    return refuse(major, minor);
  }
  return output.text();
}

}  // namespace rondel::modules::auth_gssapi
