// The module's options.
#pragma once

#include <array>
#include <string_view>

#include "config/schema.h"
#include "modules/auth-external/own_certificates.h"

namespace rondel::modules::auth_external {

inline constexpr std::array<std::string_view, 3> kIdentities{"xmpp", "email", "common-name"};
inline constexpr std::array<std::string_view, 2> kIssuers{"trusted", "any"};

inline constexpr std::array kOptions{
    config::OptionSpec{
        .name = "identities",
        .type = config::OptionType::text_list,
        .default_texts = kIdentities,
        .choices = kIdentities,
        .on_change = config::OnChange::reload,
        .doc = "Which names in a certificate may lead to accounts; the first kind by which an "
               "account is found decides. Before all of them comes the fingerprint."},
    config::OptionSpec{
        .name = "address_is_account",
        .type = config::OptionType::boolean,
        .default_boolean = true,
        .on_change = config::OnChange::reload,
        .doc = "Whether an XMPP address of the host in a certificate stands for the account of "
               "that name without being bound to it. Set it to false if an authority in "
               "`client_ca` does not check addresses."},
    config::OptionSpec{
        .name = "issuers",
        .type = config::OptionType::choice,
        .default_text = "trusted",
        .choices = kIssuers,
        .on_change = config::OnChange::reload,
        .doc = "Whose certificates are taken: those of the interface's `client_ca` only "
               "(`trusted`), or also self-signed and foreign ones that are bound to an account by "
               "their fingerprint (`any`)."},
    config::OptionSpec{
        .name = "certificates_max",
        .type = config::OptionType::integer,
        .default_integer = 10,
        .minimum = 0,
        .maximum = kOwnCertificatesMax,
        .unit = "certificates",
        .on_change = config::OnChange::reload,
        .places = config::Places::all_and_hosts,
        .doc = "How many certificates a user may add to the own account (XEP-0257); 0: users "
               "manage none."}};

}  // namespace rondel::modules::auth_external
