// Configurations and a module for the tests of this room.
#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/document.h"
#include "config/print.h"
#include "config/snapshot.h"

namespace rondel::config::test {

inline constexpr std::string_view kPath = "/etc/test/test.toml";

inline std::string_view check_range(std::string_view text) {
  return text.find('/') != std::string_view::npos ? "" : "an address range";
}

inline constexpr std::string_view kMechanisms[] = {"SCRAM-SHA-256", "SCRAM-SHA-1"};
inline constexpr std::string_view kColours[] = {"red", "green"};
inline constexpr std::string_view kPorts[] = {"127.0.0.1:80"};

/// One option of each type.
inline constexpr OptionSpec kEveryType[] = {
    {.name = "on", .type = OptionType::boolean, .default_boolean = true, .doc = "A switch."},
    {.name = "rounds",
     .type = OptionType::integer,
     .default_integer = 10'000,
     .minimum = 4'096,
     .maximum = 1'000'000,
     .unit = "rounds",
     .on_change = OnChange::reload,
     .doc = "How many."},
    {.name = "size",
     .type = OptionType::byte_size,
     .default_integer = 2'048,
     .maximum = 1 << 20,
     .doc = "How big."},
    {.name = "wait",
     .type = OptionType::duration,
     .default_integer = 90'000,
     .minimum = 1'000,
     .maximum = 3'600'000,
     .doc = "How long."},
    {.name = "title", .default_text = "none | any", .doc = "A title."},
    {.name = "colour",
     .type = OptionType::choice,
     .default_text = "red",
     .choices = kColours,
     .doc = "Which."},
    {.name = "file", .type = OptionType::path, .default_text = "sample.db", .doc = "Where."},
    {.name = "ways",
     .type = OptionType::text_list,
     .default_texts = kMechanisms,
     .choices = kMechanisms,
     .doc = "Ways."},
    {.name = "deny", .type = OptionType::text_list, .check = check_range, .doc = "Ranges."},
    {.name = "listen",
     .type = OptionType::address_list,
     .default_texts = kPorts,
     .places = Places::all_only,
     .doc = "Sockets."},
    {.name = "mood", .places = Places::all_and_hosts, .doc = "A mood."},
    {.name = "password", .is_secret = true, .doc = "A secret."},
};

inline constexpr ModuleOptions kSampleModules[] = {
    {"sample", kEveryType, "A module with an option of each type."},
    {"ping", {}, "Answers pings."},
};

/// The smallest configuration that is fine; tests append to it.
inline const std::string kSmall = R"([modules]
load = ["sample", "ping"]
[[host]]
name = "example.org"
certificate = "example.crt"
key = "/keys/example.key"
[[interface]]
name = "clients"
listen = ["[::]:5222"]
hosts = ["example.org"]
auth = ["internal"]
)";

inline base::Result<std::shared_ptr<const Snapshot>, Problems> create(
    const std::string& text,
    const Overrides& overrides = {},
    std::span<const ModuleOptions> modules = kSampleModules) {
  RONDEL_TRY(const Document document, Document::parse(text, std::string(kPath)));
  return Snapshot::create(document, overrides, modules);
}

/// The snapshot, or a failed test.
inline std::shared_ptr<const Snapshot> expect_fine(const std::string& text,
                                                   const Overrides& overrides = {}) {
  auto created = create(text, overrides);
  if (!created.has_value()) {
    ADD_FAILURE() << to_string(created.error());
    return expect_fine(kSmall);
  }
  return *created;
}

/// What is wrong, one line for each problem; nothing where all is fine.
inline std::vector<std::string> problems_of(const std::string& text,
                                            const Overrides& overrides = {}) {
  std::vector<std::string> lines;
  const auto created = create(text, overrides);
  if (!created.has_value()) {
    for (const Problem& problem : created.error()) {
      lines.push_back(problem.to_string());
    }
  }
  return lines;
}

}  // namespace rondel::config::test
