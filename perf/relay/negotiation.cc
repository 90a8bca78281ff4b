#include "perf/relay/negotiation.h"

#include <fmt/format.h>
#include <optional>

#include "base/encoding.h"
#include "base/limits.h"

namespace rondel::perf {
namespace {

/// The text of the first element called `name`, or nothing.
std::string_view text_of(std::string_view element, std::string_view name) {
  const std::size_t tag = element.find(fmt::format("<{}", name));
  const std::size_t begin = tag == std::string_view::npos ? tag : element.find('>', tag);
  if (begin == std::string_view::npos || element[begin - 1] == '/') {
    return {};
  }
  return element.substr(begin + 1, element.find('<', begin) - begin - 1);
}

/// The authentication identity of a PLAIN response.
/// Source: RFC 4616 §2.
std::optional<std::string> plain_user(std::string_view element) {
  const std::optional<std::string> decoded = base::base64_decode(text_of(element, "auth"));
  if (!decoded) {
    return std::nullopt;
  }
  const std::size_t begin = decoded->find('\0');
  const std::size_t end =
      begin == std::string::npos ? std::string::npos : decoded->find('\0', begin + 1);
  if (end == std::string::npos || end == begin + 1) {
    return std::nullopt;
  }
  return decoded->substr(begin + 1, end - begin - 1);
}

}  // namespace

std::string_view attribute_of(std::string_view element, std::string_view name) {
  const std::string_view tag = element.substr(0, element.find('>'));
  for (std::size_t at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
    const std::size_t quote = at + name.size() + 1;
    const bool is_name = at > 0 && (tag[at - 1] == ' ' || tag[at - 1] == '\n') &&
                         quote < tag.size() && tag[quote - 1] == '=';
    if (is_name && (tag[quote] == '\'' || tag[quote] == '"')) {
      const std::size_t end = tag.find(tag[quote], quote + 1);
      return end == std::string_view::npos ? std::string_view()
                                           : tag.substr(quote + 1, end - quote - 1);
    }
  }
  return {};
}

Negotiation::State Negotiation::feed(std::span<const std::byte> bytes,
                                     base::ByteBuffer& output,
                                     std::span<const std::byte>& rest) {
  rest = bytes;
  while (!rest.empty()) {
    const xml::FrameEvent event = framer_.feed(rest, base::kUnauthenticatedLimits);
    partial_ += base::as_text(rest.first(event.consumed));
    rest = rest.subspan(event.consumed);
    switch (event.kind) {
      case xml::FrameKind::need_more:
        return State::going_on;
      case xml::FrameKind::whitespace:
        partial_.clear();
        break;
      case xml::FrameKind::stream_open:
        open_stream(partial_, output);
        partial_.clear();
        break;
      case xml::FrameKind::stanza: {
        const State state = handle(partial_, output);
        partial_.clear();
        if (state != State::going_on) {
          return state;
        }
        break;
      }
      case xml::FrameKind::stream_close:
      case xml::FrameKind::error:
        return State::failed;
    }
  }
  return State::going_on;
}

void Negotiation::open_stream(std::string_view header, base::ByteBuffer& output) {
  if (const std::size_t tag = header.find("<stream:stream"); tag != std::string_view::npos) {
    domain_ = attribute_of(header.substr(tag), "to");
  }
  output.append(fmt::format(
      "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
      "xmlns:stream='http://etherx.jabber.org/streams' from='{}' id='relay' version='1.0'>"
      "<stream:features>{}</stream:features>",
      domain_,
      user_.empty() ? "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                      "<mechanism>PLAIN</mechanism></mechanisms>"
                    : "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"));
}

Negotiation::State Negotiation::handle(std::string_view element, base::ByteBuffer& output) {
  if (element.starts_with("<auth")) {
    const std::optional<std::string> user = plain_user(element);
    if (!user) {
      return State::failed;
    }
    user_ = *user;
    output.append("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    framer_.reset();
    return State::going_on;
  }
  if (element.starts_with("<iq") && !user_.empty()) {
    return request(element, output);
  }
  if (element.starts_with("<presence") && is_bound_) {
    output.append(fmt::format("<presence from='{0}' to='{0}'/>", address_));
    return State::done;
  }
  return State::failed;
}

Negotiation::State Negotiation::request(std::string_view element, base::ByteBuffer& output) {
  const std::string_view id = attribute_of(element, "id");
  if (element.find("urn:ietf:params:xml:ns:xmpp-bind") == std::string_view::npos) {
    output.append(fmt::format("<iq type='result' id='{}'/>", id));
    return State::going_on;
  }
  const std::string_view asked = text_of(element, "resource");
  address_ = fmt::format("{}@{}/{}", user_, domain_, asked.empty() ? "relay" : asked);
  output.append(
      fmt::format("<iq type='result' id='{}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                  "<jid>{}</jid></bind></iq>",
                  id, address_));
  is_bound_ = true;
  return begin_ == RelayBegin::bind ? State::done : State::going_on;
}

}  // namespace rondel::perf
