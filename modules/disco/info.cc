#include "modules/disco/info.h"

#include <utility>

#include "xmpp/jid.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::disco {

std::vector<xmpp::DataForm> contact_forms(const config::ContactAddresses& contact) {
  const std::pair<std::string_view, const std::vector<std::string>*> fields[] = {
      {"abuse-addresses", &contact.abuse},       {"admin-addresses", &contact.admin},
      {"feedback-addresses", &contact.feedback}, {"sales-addresses", &contact.sales},
      {"security-addresses", &contact.security}, {"status-addresses", &contact.status},
      {"support-addresses", &contact.support}};
  xmpp::DataForm form = xmpp::DataForm::of(xmpp::DataFormType::result, xmpp::ns::kServerInfo);
  bool is_empty = true;
  for (const auto& [var, values] : fields) {
    if (!values->empty()) {
      form.add(var, "list-multi", *values);
      is_empty = false;
    }
  }
  std::vector<xmpp::DataForm> forms;
  if (!is_empty) {
    forms.push_back(std::move(form));
  }
  return forms;
}

std::optional<Item> parse_item(std::string_view text) {
  const std::size_t space = text.find(' ');
  const auto address = xmpp::Jid::parse(text.substr(0, space));
  if (!address) {
    return std::nullopt;
  }
  std::string name;
  if (space != std::string_view::npos) {
    const std::size_t begin = text.find_first_not_of(' ', space);
    name = begin == std::string_view::npos ? std::string_view() : text.substr(begin);
  }
  return Item{address->full(), std::move(name)};
}

std::string_view check_item(std::string_view text) {
  return parse_item(text) ? std::string_view()
                          : std::string_view(
                                "an address, then a name if wanted, such as "
                                "\"conference.example.org Rooms\"");
}

}  // namespace rondel::modules::disco
