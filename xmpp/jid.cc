#include "xmpp/jid.h"

#include <array>
#include <cstring>

#include "base/check.h"
#include "xml/arena.h"
#include "xmpp/jid_profiles.h"

namespace rondel::xmpp {

using base::Result;
using base::Unexpected;

/// An address cut into parts, and the memory for the prepared ones.
struct JidParser {
  std::string_view local;
  std::string_view domain;
  std::string_view resource;
  bool has_local = false;
  bool has_resource = false;
  JidPartBuffer local_buffer;
  JidPartBuffer domain_buffer;
  JidPartBuffer resource_buffer;

  Result<void, JidError> prepare() {
    if (has_local) {
      RONDEL_TRY(local, prepare_local_into(local, local_buffer));
    }
    RONDEL_TRY(domain, prepare_domain_into(domain, domain_buffer));
    if (has_resource) {
      RONDEL_TRY(resource, prepare_resource_into(resource, resource_buffer));
    }
    return {};
  }

  [[nodiscard]] std::size_t domain_begin() const { return has_local ? local.size() + 1 : 0; }
  [[nodiscard]] std::size_t domain_end() const { return domain_begin() + domain.size(); }
  [[nodiscard]] std::size_t size() const {
    return domain_end() + (has_resource ? resource.size() + 1 : 0);
  }

  /// Writes the size() bytes of the address.
  void write(char* out) const {
    if (has_local) {
      out = append(out, local);
      *out++ = '@';
    }
    out = append(out, domain);
    if (has_resource) {
      *out++ = '/';
      append(out, resource);
    }
  }

  [[nodiscard]] JidView over(std::string_view text) const {
    RONDEL_ASSERT(text.size() == size());
    return JidView(text, domain_begin(), domain_end());
  }

  [[nodiscard]] Jid to_jid() const {
    std::string text(size(), '\0');
    write(text.data());
    return Jid(over(text));
  }

 private:
  static char* append(char* out, std::string_view part) {
    std::memcpy(out, part.data(), part.size());
    return out + part.size();
  }
};

namespace {

/// The first '/' ends the bare address: a resourcepart may hold both separators (RFC 7622 §3.2).
Result<void, JidError> split(std::string_view text, JidParser& parser) {
  // One byte more for the root's dot, which goes.
  if (text.empty() || text.size() > kJidBytesMax + 1) {
    return Unexpected(text.empty() ? JidError::empty : JidError::too_long);
  }
  const std::size_t slash = text.find('/');
  std::string_view bare = text;
  if (slash != std::string_view::npos) {
    bare = text.substr(0, slash);
    parser.has_resource = true;
    parser.resource = text.substr(slash + 1);
  }
  const std::size_t at = bare.find('@');
  if (at != std::string_view::npos) {
    parser.has_local = true;
    parser.local = bare.substr(0, at);
    bare.remove_prefix(at + 1);
  }
  parser.domain = bare;
  return {};
}

Result<std::string, JidError> owned(Result<std::string_view, JidError> part) {
  RONDEL_TRY(const std::string_view text, std::move(part));
  return std::string(text);
}

}  // namespace

std::string_view to_text(JidError error) {
  switch (error) {
    case JidError::empty:
      return "the address is empty";
    case JidError::too_long:
      return "a part of the address is longer than 1023 bytes";
    case JidError::local_empty:
      return "nothing stands before the '@'";
    case JidError::local_forbidden:
      return "the localpart has a forbidden character";
    case JidError::domain_empty:
      return "the domainpart is empty";
    case JidError::domain_invalid:
      return "the domainpart is no domain name and no IP literal";
    case JidError::resource_empty:
      return "nothing stands after the '/'";
    case JidError::resource_forbidden:
      return "the resourcepart has a forbidden character";
  }
  RONDEL_CHECK(false);
}

Result<Jid, JidError> Jid::parse(std::string_view text) {
  JidParser parser;
  RONDEL_TRY_VOID(split(text, parser));
  RONDEL_TRY_VOID(parser.prepare());
  return parser.to_jid();
}

Result<Jid, JidError> Jid::from_parts(std::string_view local,
                                      std::string_view domain,
                                      std::string_view resource) {
  JidParser parser;
  parser.local = local;
  parser.domain = domain;
  parser.resource = resource;
  parser.has_local = !local.empty();
  parser.has_resource = !resource.empty();
  RONDEL_TRY_VOID(parser.prepare());
  return parser.to_jid();
}

Result<Jid, JidError> Jid::with_resource(JidView address, std::string_view resource) {
  JidPartBuffer buffer;
  RONDEL_TRY(const std::string_view prepared, prepare_resource_into(resource, buffer));
  std::string text(address.bare());
  text += '/';
  text += prepared;
  return Jid(JidView(text, address.domain_begin_, address.domain_end_));
}

Result<JidView, JidError> parse_jid_into(std::string_view text, xml::Arena& arena) {
  JidParser parser;
  RONDEL_TRY_VOID(split(text, parser));
  const char* const domain_as_read = parser.domain.data();
  const std::size_t domain_bytes = parser.domain.size();
  const char* const local_as_read = parser.local.data();
  const char* const resource_as_read = parser.resource.data();
  RONDEL_TRY_VOID(parser.prepare());
  if (parser.domain.data() == domain_as_read && parser.domain.size() == domain_bytes &&
      parser.local.data() == local_as_read && parser.resource.data() == resource_as_read) {
    return parser.over(text);
  }
  char* const memory = static_cast<char*>(arena.allocate(parser.size(), 1));
  parser.write(memory);
  return parser.over({memory, parser.size()});
}

Result<std::string, JidError> prepare_local(std::string_view text) {
  JidPartBuffer buffer;
  return owned(prepare_local_into(text, buffer));
}

Result<std::string, JidError> prepare_domain(std::string_view text) {
  JidPartBuffer buffer;
  return owned(prepare_domain_into(text, buffer));
}

Result<std::string, JidError> prepare_resource(std::string_view text) {
  JidPartBuffer buffer;
  return owned(prepare_resource_into(text, buffer));
}

}  // namespace rondel::xmpp
