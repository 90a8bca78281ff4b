// The module's options.
#pragma once

#include <array>
#include <string_view>

#include "config/schema.h"

namespace rondel::modules::layer_tls {

inline constexpr std::array<std::string_view, 2> kVersions{"1.2", "1.3"};

inline constexpr std::array kOptions{
    config::OptionSpec{.name = "version_min",
                       .type = config::OptionType::choice,
                       .default_text = "1.2",
                       .choices = kVersions,
                       .on_change = config::OnChange::reload,
                       .places = config::Places::all_only,
                       .doc = "The oldest version of TLS that is spoken."},
    config::OptionSpec{
        .name = "ciphers_tls13",
        .type = config::OptionType::text,
        .on_change = config::OnChange::reload,
        .places = config::Places::all_only,
        .doc = "Cipher suites of TLS 1.3 in OpenSSL's names, with colons between; not set: "
               "a list that is kept good."},
    config::OptionSpec{.name = "ciphers_tls12",
                       .type = config::OptionType::text,
                       .on_change = config::OnChange::reload,
                       .places = config::Places::all_only,
                       .doc = "The same for TLS 1.2."},
    config::OptionSpec{
        .name = "groups",
        .type = config::OptionType::text,
        .on_change = config::OnChange::reload,
        .places = config::Places::all_only,
        .doc = "Groups for the key exchange in OpenSSL's names, best first; not set: a list "
               "that is kept good."},
    config::OptionSpec{
        .name = "tickets",
        .type = config::OptionType::integer,
        .default_integer = 1,
        .minimum = 0,
        .maximum = 2,
        .unit = "tickets",
        .on_change = config::OnChange::reload,
        .places = config::Places::all_only,
        .doc = "Session tickets after a handshake, by which a client comes back quicker; 0: "
               "no resumption."},
    config::OptionSpec{.name = "expiry_warning",
                       .type = config::OptionType::integer,
                       .default_integer = 14,
                       .minimum = 0,
                       .maximum = 365,
                       .unit = "days",
                       .on_change = config::OnChange::reload,
                       .places = config::Places::all_only,
                       .doc = "How long before its end a certificate is warned of, once a day."}};

}  // namespace rondel::modules::layer_tls
