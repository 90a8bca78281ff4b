// Every XML namespace that the server speaks.
#pragma once

#include <string_view>

namespace rondel::xmpp::ns {

// RFC 6120, 6121.
inline constexpr std::string_view kClient = "jabber:client";
inline constexpr std::string_view kServer = "jabber:server";
inline constexpr std::string_view kStreams = "http://etherx.jabber.org/streams";
inline constexpr std::string_view kStreamErrors = "urn:ietf:params:xml:ns:xmpp-streams";
inline constexpr std::string_view kStanzaErrors = "urn:ietf:params:xml:ns:xmpp-stanzas";
inline constexpr std::string_view kTls = "urn:ietf:params:xml:ns:xmpp-tls";
inline constexpr std::string_view kSasl = "urn:ietf:params:xml:ns:xmpp-sasl";
inline constexpr std::string_view kBind = "urn:ietf:params:xml:ns:xmpp-bind";
inline constexpr std::string_view kSession = "urn:ietf:params:xml:ns:xmpp-session";
inline constexpr std::string_view kRoster = "jabber:iq:roster";
inline constexpr std::string_view kRosterVersioning = "urn:xmpp:features:rosterver";
inline constexpr std::string_view kPreApproval = "urn:xmpp:features:pre-approval";
inline constexpr std::string_view kXml = "http://www.w3.org/XML/1998/namespace";

// Extensions, in the order of their numbers.
inline constexpr std::string_view kDataForms = "jabber:x:data";                            // 0004
inline constexpr std::string_view kLastActivity = "jabber:iq:last";                        // 0012
inline constexpr std::string_view kDiscoInfo = "http://jabber.org/protocol/disco#info";    // 0030
inline constexpr std::string_view kDiscoItems = "http://jabber.org/protocol/disco#items";  // 0030
inline constexpr std::string_view kMuc = "http://jabber.org/protocol/muc";                 // 0045
inline constexpr std::string_view kMucUser = "http://jabber.org/protocol/muc#user";        // 0045
inline constexpr std::string_view kVcard = "vcard-temp";                                   // 0054
inline constexpr std::string_view kRegister = "jabber:iq:register";                        // 0077
inline constexpr std::string_view kRegisterFeature =
    "http://jabber.org/features/iq-register";                                    // 0077
inline constexpr std::string_view kVersion = "jabber:iq:version";                // 0092
inline constexpr std::string_view kComponentAccept = "jabber:component:accept";  // 0114
inline constexpr std::string_view kCaps = "http://jabber.org/protocol/caps";     // 0115
inline constexpr std::string_view kServerInfo =
    "http://jabber.org/network/serverinfo";                                    // 0128, 0157
inline constexpr std::string_view kOffline = "msgoffline";                     // 0160
inline constexpr std::string_view kPing = "urn:xmpp:ping";                     // 0199
inline constexpr std::string_view kStreamManagement = "urn:xmpp:sm:3";         // 0198
inline constexpr std::string_view kTime = "urn:xmpp:time";                     // 0202
inline constexpr std::string_view kDelay = "urn:xmpp:delay";                   // 0203
inline constexpr std::string_view kDialback = "jabber:server:dialback";        // 0220
inline constexpr std::string_view kCarbons = "urn:xmpp:carbons:2";             // 0280
inline constexpr std::string_view kForward = "urn:xmpp:forward:0";             // 0297
inline constexpr std::string_view kHints = "urn:xmpp:hints";                   // 0334
inline constexpr std::string_view kStanzaIds = "urn:xmpp:sid:0";               // 0359
inline constexpr std::string_view kSasl2 = "urn:xmpp:sasl:2";                  // 0388
inline constexpr std::string_view kSaslChannelBinding = "urn:xmpp:sasl-cb:0";  // 0440
inline constexpr std::string_view kStreamLimits = "urn:xmpp:stream-limits:0";  // 0478
inline constexpr std::string_view kApplicationErrors = "urn:xmpp:errors";      // 0205
inline constexpr std::string_view kChatStates = "http://jabber.org/protocol/chatstates";  // 0085

}  // namespace rondel::xmpp::ns
