// The module's options.
#pragma once

#include <array>
#include <string_view>

#include "config/schema.h"

namespace rondel::modules::auth_anonymous {

inline constexpr std::string_view kModuleName = "auth-anonymous";
inline constexpr std::array<std::string_view, 3> kReaches{"host", "server", "anywhere"};

inline constexpr std::array kOptions{
    config::OptionSpec{.name = "sessions_max",
                       .type = config::OptionType::integer,
                       .default_integer = 1000,
                       .minimum = 1,
                       .maximum = 1'000'000,
                       .unit = "guests",
                       .on_change = config::OnChange::reload,
                       .places = config::Places::all_only,
                       .doc = "Anonymous users at a time, on the whole server."},
    config::OptionSpec{.name = "sessions_per_address_max",
                       .type = config::OptionType::integer,
                       .default_integer = 10,
                       .minimum = 1,
                       .maximum = 10'000,
                       .unit = "guests",
                       .on_change = config::OnChange::reload,
                       .places = config::Places::all_only,
                       .doc = "Anonymous users at a time from one address (IPv6: one /64)."},
    config::OptionSpec{.name = "stanza_bytes_max",
                       .type = config::OptionType::byte_size,
                       .default_integer = 10'000,
                       .minimum = 10'000,
                       .maximum = 16 * 1024 * 1024,
                       .on_change = config::OnChange::reload,
                       .places = config::Places::all_and_hosts,
                       .doc = "The biggest stanza of an anonymous user; never more than the "
                              "interface allows everybody."},
    config::OptionSpec{.name = "stanzas_per_minute_max",
                       .type = config::OptionType::integer,
                       .default_integer = 120,
                       .minimum = 1,
                       .maximum = 60'000,
                       .unit = "stanzas",
                       .on_change = config::OnChange::reload,
                       .places = config::Places::all_and_hosts,
                       .doc = "Stanzas an anonymous user may send in a minute, all at once or "
                              "spread; more end the stream (`policy-violation`)."},
    config::OptionSpec{.name = "reach",
                       .type = config::OptionType::choice,
                       .default_text = "server",
                       .choices = kReaches,
                       .on_change = config::OnChange::reload,
                       .places = config::Places::all_and_hosts,
                       .doc = "Whom anonymous users may write to: their own host and what lies "
                              "below it (`host`), all hosts of this server and what lies below "
                              "them (`server`), or `anywhere`."}};

}  // namespace rondel::modules::auth_anonymous
