#include "modules/disco/caps.h"

#include <algorithm>
#include <array>
#include <openssl/evp.h>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"

namespace rondel::modules::disco {
namespace {

/// Every piece ends with it; a piece that holds it itself could lie about where it ends.
constexpr char kEnd = '<';

void append_piece(std::string& text, std::string_view piece) {
  text += piece;
  text += kEnd;
}

void append_form(std::string& text, xmpp::DataForm form) {
  append_piece(text, form.form_type());
  std::sort(form.fields.begin(), form.fields.end(),
            [](const auto& a, const auto& b) { return a.var < b.var; });
  for (xmpp::DataFormField& field : form.fields) {
    if (field.var == "FORM_TYPE") {
      continue;
    }
    append_piece(text, field.var);
    std::sort(field.values.begin(), field.values.end());
    for (const std::string& value : field.values) {
      append_piece(text, value);
    }
  }
}

std::string sha1_base64(std::string_view text) {
  std::array<unsigned char, 20> digest{};
  std::size_t size = 0;
  const int done =
      EVP_Q_digest(nullptr, "SHA1", nullptr, text.data(), text.size(), digest.data(), &size);
  RONDEL_CHECK(done == 1 && size == digest.size());
  return base::base64_encode(std::string(digest.begin(), digest.end()));
}

}  // namespace

std::string caps_version(api::DiscoInfo info, std::vector<xmpp::DataForm> forms) {
  std::string text;
  std::sort(info.identities.begin(), info.identities.end(), [](const auto& a, const auto& b) {
    return std::tie(a.category, a.type, a.name) < std::tie(b.category, b.type, b.name);
  });
  for (const api::DiscoIdentity& identity : info.identities) {
    append_piece(text, identity.category + "/" + identity.type + "//" + identity.name);
  }
  std::sort(info.features.begin(), info.features.end());
  for (const std::string& feature : info.features) {
    append_piece(text, feature);
  }
  std::sort(forms.begin(), forms.end(),
            [](const auto& a, const auto& b) { return a.form_type() < b.form_type(); });
  for (xmpp::DataForm& form : forms) {
    append_form(text, std::move(form));
  }
  return sha1_base64(text);
}

}  // namespace rondel::modules::disco
