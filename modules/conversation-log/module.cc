// The module conversation-log: who wrote what to whom, in files, for who is obliged to keep it.
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "modules/conversation-log/log_line.h"
#include "store/timestamp.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::conversation_log {
namespace {

using api::Outcome;
using config::OptionSpec;
using config::OptionType;
using config::Places;
using hooks::Verdict;

constexpr std::array kOptions{
    OptionSpec{.name = "path",
               .type = OptionType::path,
               .default_text = "conversations",
               .places = Places::all_only,
               .doc = "The folder of the files, one for each host; made if it is not there."},
    OptionSpec{.name = "groupchat",
               .type = OptionType::boolean,
               .places = Places::all_only,
               .doc = "Whether messages of type groupchat are written too."},
    OptionSpec{.name = "obey_hints",
               .type = OptionType::boolean,
               .default_boolean = true,
               .places = Places::all_only,
               .doc =
                   "Whether messages are left out whose sender asks that they are not stored for "
                   "long (XEP-0334)."}};

/// The word for it in the file; empty: such a message is not written.
std::string_view word_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::delivered:
      return "delivered";
    case Outcome::stored:
      return "stored";
    case Outcome::handled:
      return "handled";
    case Outcome::bounced:
    case Outcome::dropped:
      break;
  }
  return {};
}

bool is_hinted(const xml::Element& message) {
  return message.child("no-store", xmpp::ns::kHints) != nullptr ||
         message.child("no-permanent-store", xmpp::ns::kHints) != nullptr;
}

/// Writes a line for each message with a body that was accepted for a local account.
class ConversationLog final : public api::ShardModule {
 public:
  explicit ConversationLog(api::Shard& shard)
      : shard_(shard),
        has_groupchat_(options(shard).boolean("groupchat")),
        obeys_hints_(options(shard).boolean("obey_hints")) {}

  void started() override {
    const std::filesystem::path folder = options(shard_).path("path");
    for (const auto& host : shard_.hosts()) {
      if (!shard_.config()->serves("conversation-log", host->options->name)) {
        continue;
      }
      const std::string path = folder / (host->name + ".log");
      const auto file = shard_.open_log_file(path);
      if (file) {
        files_.emplace(host->name, *file);
      } else if (shard_.index() == 0) {
        RONDEL_LOG_ERROR(shard_.log(), "conversation-log.open", "{}", file.error().message);
      }
    }
  }

  Verdict processed(api::AfterProcess& context) {
    const xmpp::Stanza& stanza = context.stanza;
    const std::string_view word = word_of(context.outcome);
    if (context.user == nullptr || word.empty() || stanza.root().child("body") == nullptr ||
        (!has_groupchat_ && stanza.message_type() == xmpp::MessageType::groupchat) ||
        (obeys_hints_ && is_hinted(stanza.root()))) {
      return Verdict::next();
    }
    if (const auto file = files_.find(context.user->jid().domain()); file != files_.end()) {
      const std::int64_t unix_ms = store::timestamp_now().time_since_epoch().count();
      // A full lane drops the line and counts it; the log tells how many were.
      static_cast<void>(file->second->write_line(log_line(stanza, unix_ms, word)));
    }
    return Verdict::next();
  }

 private:
  static config::Options options(const api::Shard& shard) {
    return shard.config()->options("conversation-log");
  }

  api::Shard& shard_;
  const bool has_groupchat_;
  const bool obeys_hints_;
  std::map<std::string, const log::FileChannel*, std::less<>> files_;  ///< By host.
};

class ConversationLogModule final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    const std::filesystem::path folder =
        registrar.config().options("conversation-log").path("path");
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (!error) {
      std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
    }
    if (error) {
      return base::Unexpected(base::Error(
          "conversation-log: the folder " + folder.string() + ": " + error.message(), error));
    }
    registrar.add_hook<&ConversationLog::processed>(
        "write what was said",
        {.band = hooks::Band::observe, .after = {}, .traffic = {hooks::Traffic::message}});
    return {};
  }
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard& shard) override {
    return std::make_unique<ConversationLog>(shard);
  }
};

constexpr api::ModuleInfo kInfo{.name = "conversation-log",
                                .description = "Writes who wrote what to whom into files.",
                                .options = kOptions,
                                .create = &api::create_module<ConversationLogModule>};

}  // namespace
}  // namespace rondel::modules::conversation_log

RONDEL_MODULE(rondel::modules::conversation_log::kInfo);
