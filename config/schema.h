// What may stand in a configuration: plain constant data, for the core and for modules alike.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace rondel::config {

/// How an option's value is written and read.
enum class OptionType : std::uint8_t {
  boolean,       ///< true or false.
  integer,       ///< A whole number between minimum and maximum.
  byte_size,     ///< A number of bytes, or text such as "256KiB"; minimum and maximum in bytes.
  duration,      ///< Text such as "500ms", "30s", "5m", "12h", "7d"; default and range in ms.
  text,          ///< Any text that `check` accepts.
  choice,        ///< One of `choices`.
  path,          ///< A file or folder.
  text_list,     ///< Texts that `check` (and `choices`, if given) accept, each at most once.
  address_list,  ///< Addresses and ports to listen on, such as "[::]:5222".
};

/// What a reload does with a changed value.
enum class OnChange : std::uint8_t { reload, restart };

/// Where a module's option may be set; the nearest wins: interface over host over all.
enum class Places : std::uint8_t {
  everywhere,     ///< [module.NAME], [host.module.NAME] and [interface.module.NAME].
  all_only,       ///< [module.NAME] only.
  all_and_hosts,  ///< [module.NAME] and [host.module.NAME].
};

/// Says what is allowed ("an address range such as 10.0.0.0/8"), or nothing if the text is fine.
/// It refuses the empty text: that is how pages ask what is allowed.
using ValueCheck = std::string_view (*)(std::string_view text);

/// One option. Plain data, so that a module's table is a static constant:
/// `{.name = "iterations", .type = OptionType::integer, .default_integer = 10000, .doc = "…"}`.
struct OptionSpec {
  std::string_view name;
  OptionType type = OptionType::text;
  bool default_boolean = false;
  std::int64_t default_integer = 0;  ///< Of integer, byte_size (bytes) and duration (ms).
  std::string_view default_text{};   ///< Of text, choice and path; empty: not set.
  std::span<const std::string_view> default_texts{};  ///< Of both lists.
  std::int64_t minimum = 0;
  std::int64_t maximum = std::numeric_limits<std::int64_t>::max();
  std::string_view unit{};  ///< For people: "threads", "rounds".
  std::span<const std::string_view> choices{};
  ValueCheck check = nullptr;
  OnChange on_change = OnChange::restart;
  Places places = Places::everywhere;
  bool is_required = false;     ///< It must be written; there is no default. Core sections only.
  bool is_secret = false;       ///< Printed as "***".
  std::string_view inherits{};  ///< Where the default comes from: "[tls] records". Core only.
  std::string_view doc{};       ///< One sentence.
};

/// The options of one module; an empty table is a module without options.
struct ModuleOptions {
  std::string_view module;
  std::span<const OptionSpec> options{};
  std::string_view doc{};  ///< What the module does: one sentence.
};

/// One section of the core: [server], [[host]], [host.contact]…
struct SectionSpec {
  std::string_view header;  ///< As it is written: "[server]", "[[host]]".
  std::span<const OptionSpec> options;
  std::string_view doc;
};

/// The sections that the core declares, in the order in which they are printed.
[[nodiscard]] std::span<const SectionSpec> core_sections();

/// The options of one core section, named as in SectionSpec::header; the name must exist.
[[nodiscard]] std::span<const OptionSpec> core_options(std::string_view header);

/// "a whole number from 0 to 256", "one of …": what the option allows, for messages and pages.
[[nodiscard]] std::string allowed_values(const OptionSpec& option);

/// A module's name is a file's name: small letters, digits and '-', 64 characters at most.
[[nodiscard]] bool is_module_name(std::string_view name);

}  // namespace rondel::config
