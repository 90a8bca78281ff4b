#include "modules/offline/keepable.h"

#include <gtest/gtest.h>
#include <string>

#include "xml/parser.h"

namespace rondel::modules::offline {
namespace {

struct Case {
  std::string_view type, content;
  Keep keep;
};

class MayKeep : public testing::TestWithParam<Case> {};
TEST_P(MayKeep, FollowsTypeContentAndHints) {
  const std::string text = "<message xmlns='jabber:client' to='juliet@localhost' type='" +
                           std::string(GetParam().type) + "'>" + std::string(GetParam().content) +
                           "</message>";
  auto document = xml::parse_standalone(text);
  ASSERT_TRUE(document);
  const auto stanza = xmpp::Stanza::from_document(std::move(*document));
  ASSERT_TRUE(stanza);
  EXPECT_EQ(may_keep(*stanza), GetParam().keep) << text;
}

constexpr std::string_view kBody = "<body>hi</body>";
constexpr std::string_view kComposing =
    "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
constexpr std::string_view kComposingInThread =
    "<composing xmlns='http://jabber.org/protocol/chatstates'/><thread>t</thread>";
constexpr std::string_view kBodyAndState =
    "<body>hi</body><active xmlns='http://jabber.org/protocol/chatstates'/>";
constexpr std::string_view kNoStore = "<body>hi</body><no-store xmlns='urn:xmpp:hints'/>";
constexpr std::string_view kNoStoreEvent =
    "<event xmlns='urn:example'/><no-store xmlns='urn:xmpp:hints'/>";
constexpr std::string_view kNoPermanentStore =
    "<body>hi</body><no-permanent-store xmlns='urn:xmpp:hints'/>";
constexpr std::string_view kStoreOnly =
    "<store xmlns='urn:xmpp:hints'/><origin-id xmlns='urn:xmpp:sid:0' id='1'/>";
constexpr std::string_view kOriginIdOnly = "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>";

INSTANTIATE_TEST_SUITE_P(Messages,
                         MayKeep,
                         testing::Values(Case{"chat", kBody, Keep::yes},
                                         Case{"normal", kBody, Keep::yes},
                                         Case{"unheard-of", kBody, Keep::yes},
                                         Case{"groupchat", kBody, Keep::no},
                                         Case{"headline", kBody, Keep::silent},
                                         Case{"error", kBody, Keep::silent},
                                         Case{"chat", kComposing, Keep::silent},
                                         Case{"normal", kComposing, Keep::silent},
                                         Case{"chat", kComposingInThread, Keep::silent},
                                         Case{"chat", kBodyAndState, Keep::yes},
                                         Case{"chat", "", Keep::silent},
                                         Case{"chat", "<subject>s</subject>", Keep::yes},
                                         Case{"chat", "<encrypted xmlns='urn:example'/>",
                                              Keep::yes},
                                         Case{"chat", kNoStore, Keep::no},
                                         Case{"chat", kNoStoreEvent, Keep::silent},
                                         Case{"chat", kNoPermanentStore, Keep::yes},
                                         Case{"chat", kStoreOnly, Keep::yes},
                                         Case{"chat", kOriginIdOnly, Keep::silent}));

}  // namespace
}  // namespace rondel::modules::offline
