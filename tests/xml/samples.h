// Stanzas as clients send them, for every test of this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rondel::xml {

inline constexpr std::string_view kHeader =
    "<?xml version='1.0' encoding='UTF-8'?>\n<stream:stream to='example.org' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' xml:lang='en'>";

inline constexpr std::string_view kMessage =
    "<message from='romeo@example.org/orchard' to='juliet@example.org' type='chat' "
    "id='purple8c2f1a04' xml:lang='en'><body>Wherefore art thou? Deny thy father &amp; refuse thy "
    "name.</body><active xmlns='http://jabber.org/protocol/chatstates'/><request "
    "xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='purple8c2f1a04'/></message>";

/// Every one is a whole element in the namespaces of a client's stream.
inline const std::vector<std::string>& samples() {
  static const std::vector<std::string> all = {
      std::string(kMessage),
      "<message to='j@example.org'><body>Привет, мир 🎉 "
      "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"
      "</body></message>",
      "<message to='j@example.org'><body>1 &lt; 2 &amp;&amp; 3 &gt; 2 &quot;&apos; &#65;&#x1F389; "
      "&#13;\r\n\tend</body></message>",
      "<message><body>a<![CDATA[<b>]] ]]]>&gt;</body></message>",
      "<message><body><![CDATA[]]></body><x><![CDATA[]]]]><![CDATA[>]]></x></message>",
      "<presence><show>away</show><priority>5</priority><c xmlns='http://jabber.org/protocol/caps' "
      "hash='sha-1' node='https://example.org/client' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>"
      "</presence>",
      "<presence/>",
      "<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>",
      "<iq type=\"set\" id=\"it's\"><query xmlns=\"jabber:iq:roster\"><item jid='a@b' "
      "name='x>y/>\"z'><group>G &amp; H</group></item></query></iq>",
      "<message xmlns='jabber:client'><result xmlns='urn:xmpp:mam:2' id='7'><forwarded "
      "xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>"
      "<message xmlns='jabber:client' from='a@b'><body>old</body></message></forwarded></result>"
      "</message>",
      "<message><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'><key rid='2' "
      "prekey='true'>MwohBZ==</key><iv>AAAA</iv></header><payload>Zm9v</payload></encrypted>"
      "</message>",
      "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>",
      "<p:message xmlns:p='jabber:client' xmlns:q='urn:q'><p:body q:k='v' p:k='w' k='u'/>"
      "<q:z xmlns='urn:d'><y/></q:z></p:message>",
      "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
      "<iq xmlns=''><a xmlns='urn:a'><b xmlns=''/></a></iq>",
      "<message><xml:thing xml:lang='de'><body/><xml:inner><x "
      "xmlns='urn:x'/></xml:inner></xml:thing>"
      "</message>",
      "<message\n  to = 'a'\n\tfrom\t=\r\n\"b\"  ><body  >x</body ></message\n>",
      "<message><html xmlns='http://jabber.org/protocol/xhtml-im'><body "
      "xmlns='http://www.w3.org/1999/xhtml'><p>one <b>two</b> three <i/> four</p></body></html>"
      "</message>",
  };
  return all;
}

}  // namespace rondel::xml
