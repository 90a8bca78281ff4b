// The module's options.
#pragma once

#include <array>
#include <string_view>

#include "config/schema.h"
#include "xmpp/sasl/scram_key.h"

namespace rondel::modules::auth_internal {

inline constexpr std::array<std::string_view, 4> kMechanisms{"SCRAM-SHA-512", "SCRAM-SHA-256",
                                                             "SCRAM-SHA-1", "PLAIN"};
inline constexpr std::array<std::string_view, 3> kDefaultMechanisms{"SCRAM-SHA-512",
                                                                    "SCRAM-SHA-256", "SCRAM-SHA-1"};

inline constexpr std::array kOptions{
    config::OptionSpec{
        .name = "iterations",
        .type = config::OptionType::integer,
        .default_integer = 10'000,
        .minimum = xmpp::kScramIterationsMin,
        .maximum = xmpp::kScramIterationsMax,
        .unit = "rounds",
        .on_change = config::OnChange::reload,
        .doc = "Of new SCRAM keys: what every guess at a stolen key costs, and every login "
               "its client."},
    config::OptionSpec{
        .name = "mechanisms",
        .type = config::OptionType::text_list,
        .default_texts = kDefaultMechanisms,
        .choices = kMechanisms,
        .on_change = config::OnChange::reload,
        .doc = "What is offered, best first; each SCRAM also with channel binding (-PLUS) "
               "where there is TLS, PLAIN under TLS only."}};

}  // namespace rondel::modules::auth_internal
