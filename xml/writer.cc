#include "xml/writer.h"

#include <cstring>

#include "base/short_text.h"
#include "xml/escape.h"

namespace rondel::xml {
namespace {

/// Writes behind the end of a buffer and tells it once.
class Output {
 public:
  explicit Output(base::ByteBuffer& buffer) : buffer_(buffer) {}
  ~Output() { buffer_.commit(used_); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  template <class... Parts>
  void put(const Parts&... parts) {
    (put_one(std::string_view(parts)), ...);
  }
  void put_escaped(std::string_view text, Escape where) {
    escape(text, where, [this](std::string_view piece) { put_one(piece); });
  }
  void put_attribute(std::string_view name, std::string_view value) {
    put(" ", name, "='");
    put_escaped(value, Escape::attribute);
    put("'");
  }
  [[nodiscard]] std::size_t position() const { return buffer_.size() + used_; }

 private:
  void put_one(std::string_view text) {
    if (space_.size() - used_ < text.size()) [[unlikely]] {
      buffer_.commit(used_);
      used_ = 0;
      space_ = buffer_.prepare(text.size() < kStepBytes ? kStepBytes : text.size());
    }
    if (!text.empty()) {
      std::memcpy(space_.data() + used_, text.data(), text.size());
      used_ += text.size();
    }
  }

  static constexpr std::size_t kStepBytes = 256;
  base::ByteBuffer& buffer_;
  std::span<std::byte> space_;
  std::size_t used_ = 0;
};

/// An attribute with a namespace other than xml's; its prefix is made up and declared here.
void put_foreign_attribute(Output& out, const Element& element, const Attribute& attribute) {
  // The number is that of the first attribute with this namespace, which is also where it is bound.
  std::size_t number = 0;
  bool is_bound = false;
  for (const Attribute& other : element.attributes()) {
    if (other.ns() == attribute.ns()) {
      is_bound = &other != &attribute;
      break;
    }
    ++number;
  }
  const std::string prefix = "ns" + std::to_string(number);
  if (!is_bound) {
    out.put_attribute("xmlns:" + prefix, attribute.ns());
  }
  out.put_attribute(prefix + ":" + std::string(attribute.name()), attribute.value());
}

void put_attributes(Output& out, const Element& element, const WriteOptions* top) {
  if (top != nullptr && top->from) {
    out.put_attribute("from", *top->from);
  }
  if (top != nullptr && top->to) {
    out.put(" to='");
    if (top->to_at != nullptr) {
      *top->to_at = out.position();
    }
    out.put_escaped(*top->to, Escape::attribute);
    out.put("'");
  }
  for (const Attribute& attribute : element.attributes()) {
    if (attribute.ns().empty()) {
      const bool is_overridden =
          top != nullptr && ((top->to && base::is_same_short(attribute.name(), "to")) ||
                             (top->from && base::is_same_short(attribute.name(), "from")));
      if (is_overridden) {
        continue;
      }
      if (const std::string_view written = attribute.written(); !written.empty()) {
        out.put(written);
      } else {
        out.put_attribute(attribute.name(), attribute.value());
      }
    } else if (attribute.ns() == kXmlNamespace) {
      out.put(" xml:", attribute.name(), "='");
      out.put_escaped(attribute.value(), Escape::attribute);
      out.put("'");
    } else {
      put_foreign_attribute(out, element, attribute);
    }
  }
}

/// One call of write().
class Writing {
 public:
  Writing(const Element& top, Output& out, const WriteOptions& options)
      : top_(top),
        out_(out),
        options_(options),
        is_top_prefixed_(options.has_stream_prefix && top.ns() == kStreamsNamespace) {}

  void run() {
    const Element* element = &top_;
    put_start(*element);
    const Node* node = element->first_node();
    for (;;) {
      if (node == nullptr) {
        put_end(*element);
        if (element == &top_) {
          return;
        }
        node = element->next();
        element = element->parent();
      } else if (node->is_text()) {
        out_.put_escaped(static_cast<const Text*>(node)->value(), Escape::text);
        node = node->next();
      } else if (const std::string_view text = written(*static_cast<const Element*>(node));
                 !text.empty()) {
        out_.put(text);
        node = node->next();
      } else {
        element = static_cast<const Element*>(node);
        put_start(*element);
        node = element->first_node();
      }
    }
  }

 private:
  /// What this would come to, if that is known: it is where the top declares its namespace as
  /// usual.
  [[nodiscard]] std::string_view written(const Element& element) const {
    return is_top_prefixed_ ? std::string_view() : element.written();
  }
  /// What stands before the name; empty for an element that says its namespace with xmlns.
  [[nodiscard]] std::string_view prefix_of(const Element& element) const {
    if (element.ns() == kXmlNamespace) {
      return "xml:";  // always bound, and forbidden as a default namespace
    }
    return &element == &top_ && is_top_prefixed_ ? "stream:" : "";
  }
  /// The default namespace where this element's start tag stands.
  [[nodiscard]] std::string_view scope_of(const Element& element) const {
    for (const Element* at = &element; at != &top_;) {
      at = at->parent();
      if (prefix_of(*at).empty()) {
        return at->ns();
      }
    }
    return options_.content_namespace;
  }

  void put_start(const Element& element) {
    const std::string_view prefix = prefix_of(element);
    out_.put("<", prefix, element.name());
    if (prefix.empty() && element.ns() != scope_of(element)) {
      out_.put_attribute("xmlns", element.ns());
    }
    put_attributes(out_, element, &element == &top_ ? &options_ : nullptr);
    out_.put(element.first_node() == nullptr ? "/>" : ">");
  }

  void put_end(const Element& element) {
    if (element.first_node() != nullptr) {
      out_.put("</", prefix_of(element), element.name(), ">");
    }
  }

  const Element& top_;
  Output& out_;
  const WriteOptions& options_;
  const bool is_top_prefixed_;
};

}  // namespace

void write(const Element& element, base::ByteBuffer& out, const WriteOptions& options) {
  Output output(out);
  Writing(element, output, options).run();
}

std::string to_text(const Element& element) {
  base::ByteBuffer out;
  write(element, out, {.content_namespace = ""});
  return std::string(out.text());
}

void escape_attribute(std::string_view value, base::ByteBuffer& out) {
  Output(out).put_escaped(value, Escape::attribute);
}

void escape_text(std::string_view value, base::ByteBuffer& out) {
  Output(out).put_escaped(value, Escape::text);
}

void write_stream_header(const StreamHeaderFields& fields, base::ByteBuffer& buffer) {
  Output out(buffer);
  out.put("<?xml version='1.0'?><stream:stream xmlns:stream='", kStreamsNamespace, "'");
  if (!fields.content_namespace.empty()) {
    out.put_attribute("xmlns", fields.content_namespace);
  }
  if (fields.has_dialback) {
    out.put_attribute("xmlns:db", "jabber:server:dialback");
  }
  const auto put_if_any = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) {
      out.put_attribute(name, value);
    }
  };
  put_if_any("from", fields.from);
  put_if_any("to", fields.to);
  put_if_any("id", fields.id);
  put_if_any("version", fields.version);
  put_if_any("xml:lang", fields.lang);
  out.put(">");
}

}  // namespace rondel::xml
