// A module for tests: writes down every hook point in the order in which they run, and answers as
// the test asks for, by address or by what a message says.
#include <array>
#include <cstdint>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "modules/api/module_export.h"
#include "modules/api/registrar.h"

namespace rondel::tests::recorder {
namespace {

using api::Outcome;
using hooks::Verdict;
using xmpp::StanzaErrorCondition;

/// The file of all shards; a line is one write, so that lines of two threads do not mix.
class Record {
 public:
  explicit Record(const std::string& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}
  ~Record() { ::close(fd_); }
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;

  void line(const std::string& text) const {
    const std::string whole = text + '\n';
    static_cast<void>(!::write(fd_, whole.data(), whole.size()));
  }

 private:
  int fd_;
};

std::string_view to_text(Outcome outcome) {
  constexpr std::array<std::string_view, 5> kNames{"delivered", "handled", "stored", "bounced",
                                                   "dropped"};
  return kNames[static_cast<std::size_t>(outcome)];
}

/// What a message tells `point` to do: "after-interface:reject" says reject at that point.
std::string wish(const xml::Element& element, std::string_view point) {
  const xml::Element* body = element.child("body");
  const std::string text = body != nullptr ? body->text() : std::string();
  return text.starts_with(point) && text.size() > point.size() && text[point.size()] == ':'
             ? text.substr(point.size() + 1)
             : std::string();
}

std::string describe(const xml::Element& element) {
  const std::string_view id = element.attribute_or("id", {});
  return id.empty() ? std::string(element.name()) : fmt::format("{} {}", element.name(), id);
}

class OnShard final : public api::ShardModule {
 public:
  OnShard(api::Shard& shard, std::shared_ptr<const Record> record)
      : shard_(shard), record_(std::move(record)) {}

  Verdict before_accept(api::BeforeAccept& context) {
    const config::Options options = shard_.config()->options("recorder");
    record_->line(fmt::format("before-accept {}", context.peer.text()));
    return options.text("refuse_before") == context.peer.text()
               ? Verdict::reject(StanzaErrorCondition::forbidden)
               : Verdict::next();
  }
  Verdict after_accept(api::AfterAccept& context) {
    const config::Options options = shard_.config()->options("recorder");
    record_->line(fmt::format("after-accept {}", context.connection.peer().text()));
    context.connection.set_tag("tagged");
    return options.text("refuse_after") == context.connection.peer().text()
               ? Verdict::reject(StanzaErrorCondition::forbidden)
               : Verdict::next();
  }
  Verdict layer_accept(api::LayerAccept& context) {
    record_->line(
        fmt::format("layer-accept {} {}", context.layer.info().name, context.connection.tag()));
    return shard_.config()->options("recorder").boolean("refuse_layer")
               ? Verdict::reject(StanzaErrorCondition::forbidden)
               : Verdict::next();
  }
  Verdict before_interface(api::BeforeInterface& context) {
    record_->line("before-interface " + describe(context.element.root()));
    const std::string answer = wish(context.element.root(), "before-interface");
    if (answer == "change") {
      context.element.root().set_attribute(context.element.arena(), "id", "changed");
    }
    return plain(answer);
  }
  Verdict after_interface(api::AfterInterface& context) {
    record_->line(fmt::format("after-interface {} from {}", describe(context.stanza.root()),
                              context.stanza.from().full()));
    return plain(wish(context.stanza.root(), "after-interface"));
  }
  Verdict before_process(api::BeforeProcess& context) {
    record_->line("before-process " + describe(context.stanza.root()));
    const std::string answer = wish(context.stanza.root(), "before-process");
    if (answer.starts_with("suspend")) {
      waits_.push_back(std::make_unique<Wait>(*this, context.continuation,
                                              plain(answer.substr(answer.find('-') + 1))));
      shard_.timers().set(*waits_.back(), 100);
      return Verdict::suspend();
    }
    return plain(answer);
  }
  Verdict after_process(api::AfterProcess& context) {
    record_->line(fmt::format("after-process {} {}", describe(context.stanza.root()),
                              to_text(context.outcome)));
    return Verdict::next();
  }
  Verdict before_send(api::BeforeSend& context) {
    record_->line(fmt::format("before-send {} to {}", describe(context.stanza),
                              context.session.jid().full()));
    const std::string answer = wish(context.stanza, "before-send");
    if (answer == "change") {
      replacement_ = xml::Document::create("message", xml::kClientNamespace);
      replacement_->root().set_attribute(replacement_->arena(), "id", "replaced");
      context.replacement = &replacement_->root();
    }
    return answer == "handled" ? Verdict::handled() : Verdict::next();
  }
  Verdict after_send(api::AfterSend& context) {
    record_->line(fmt::format("after-send {} {}", context.id, context.is_sent ? "sent" : "lost"));
    return Verdict::next();
  }

 private:
  /// A suspended stanza, until its time has come.
  struct Wait final : base::Timer {
    Wait(OnShard& module, std::uint64_t id, Verdict answer)
        : owner(module), continuation(id), verdict(answer) {}
    void expired() override {
      owner.record_->line("resume");
      owner.shard_.resume_processing(continuation, verdict);
    }
    OnShard& owner;
    const std::uint64_t continuation;
    const Verdict verdict;
  };

  static Verdict plain(std::string_view answer) {
    if (answer == "reject") {
      return Verdict::reject(StanzaErrorCondition::not_acceptable);
    }
    return answer == "handled" ? Verdict::handled() : Verdict::next();
  }

  api::Shard& shard_;
  std::shared_ptr<const Record> record_;
  std::vector<std::unique_ptr<Wait>> waits_;
  std::optional<xml::Document> replacement_;
};

class Recorder final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    const hooks::Order last{.band = hooks::Band::observe};
    registrar.add_hook<&OnShard::before_accept>("writes it down", last);
    registrar.add_hook<&OnShard::after_accept>("writes it down", last);
    registrar.add_hook<&OnShard::layer_accept>("writes it down", last);
    registrar.add_hook<&OnShard::before_interface>("writes it down", last);
    registrar.add_hook<&OnShard::after_interface>("writes it down", last);
    registrar.add_hook<&OnShard::before_process>("writes it down", last);
    registrar.add_hook<&OnShard::after_process>("writes it down", last);
    registrar.add_hook<&OnShard::before_send>("writes it down", last);
    registrar.add_hook<&OnShard::after_send>("writes it down", last);
    record_ = std::make_shared<const Record>(registrar.config().options("recorder").path("file"));
    return {};
  }
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard& shard) override {
    return std::make_unique<OnShard>(shard, record_);
  }

 private:
  std::shared_ptr<const Record> record_;
};

using config::OptionSpec;
using config::OptionType;
using config::Places;

constexpr std::array kOptions{OptionSpec{.name = "file",
                                         .type = OptionType::path,
                                         .default_text = "record.txt",
                                         .places = Places::all_only,
                                         .doc = "Where the points are written down."},
                              OptionSpec{.name = "refuse_before",
                                         .places = Places::all_only,
                                         .doc = "The address that before-accept refuses."},
                              OptionSpec{.name = "refuse_after",
                                         .places = Places::all_only,
                                         .doc = "The address that after-accept refuses."},
                              OptionSpec{.name = "refuse_layer",
                                         .type = OptionType::boolean,
                                         .places = Places::all_only,
                                         .doc = "Whether layer-accept refuses every layer."}};

constexpr api::ModuleInfo kInfo{.name = "recorder",
                                .description = "Writes down every hook point.",
                                .options = kOptions,
                                .create = &api::create_module<Recorder>};

}  // namespace
}  // namespace rondel::tests::recorder

RONDEL_MODULE(rondel::tests::recorder::kInfo);
