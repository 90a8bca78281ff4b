#include "xml/framer.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "xml/byte_masks.h"
#include "xml/characters.h"

namespace rondel::xml {
namespace {

constexpr std::string_view kCdata = "[CDATA[";
constexpr std::string_view kDeclaration = "xml";
constexpr std::uint32_t kHashSeed = 2'166'136'261U;

}  // namespace

/// One call of feed(): the bytes, the place in them, and where the markup stands.
class FramerScan {
  using State = Framer::State;

 public:
  FramerScan(Framer& framer,
             std::span<const std::byte> bytes,
             std::size_t size,
             const base::StanzaLimits& limits)
      : framer_(framer), limits_(limits), bytes_(bytes.data()), size_(size) {}

  /// Fails, completes an event, or comes to the end of what it may look at.
  FrameEvent run();

 private:
  enum class Step : std::uint8_t { go_on, done };

  Step step();
  Step outside();
  Step declaration();
  Step less_than();
  Step tag();
  Step start_tag_done(bool is_empty);
  Step end_tag();
  Step value(State state);
  Step text();
  Step bang();
  Step cdata();
  Step closed();

  Step fail(XmlError error) {
    framer_.state_ = State::failed;
    framer_.error_ = error;
    event_ = {FrameKind::error, error, at_};
    return Step::done;
  }
  Step complete(FrameKind kind) {
    framer_.stanza_bytes_ = 0;
    event_ = {kind, XmlError::not_well_formed, at_};
    return Step::done;
  }
  Step to(State state) {
    framer_.state_ = state;
    return Step::go_on;
  }

  [[nodiscard]] std::uint8_t byte(std::size_t index) const {
    return static_cast<std::uint8_t>(bytes_[index]);
  }
  void skip_spaces() {
    while (at_ < size_ && is_space(byte(at_))) {
      ++at_;
    }
  }
  bool read_name();
  template <class Select>
  std::size_t find(Select select);

  Framer& framer_;
  const base::StanzaLimits& limits_;
  const std::byte* bytes_;
  std::size_t size_;
  std::size_t at_ = 0;
  std::size_t block_begin_ = 0;
  std::size_t block_end_ = 0;
  FrameEvent event_{FrameKind::need_more, XmlError::not_well_formed, 0};
  ByteMasks masks_;  // of the block, once there is one
};

/// The first byte from here on whose bit is set, or the end.
template <class Select>
std::size_t FramerScan::find(Select select) {
  std::size_t from = at_;
  for (;;) {
    if (from < block_end_) {
      const std::uint64_t found = select(masks_) >> (from - block_begin_);
      if (found != 0) {
        return from + static_cast<std::size_t>(std::countr_zero(found));
      }
      from = block_end_;
    }
    if (from == size_) {
      return size_;
    }
    block_begin_ = from;
    block_end_ = std::min(size_, from + kMaskBytes);
    find_markup(bytes_ + from, block_end_ - from, masks_);
  }
}

FrameEvent FramerScan::run() {
  while (at_ < size_) {
    if (step() == Step::done) {
      return event_;
    }
  }
  event_.consumed = at_;
  return event_;
}

FramerScan::Step FramerScan::step() {
  switch (framer_.state_) {
    case State::outside:
      return outside();
    case State::declaration:
      return declaration();
    case State::less_than:
      return less_than();
    case State::tag:
      return tag();
    case State::apostrophe:
    case State::quote:
      return value(framer_.state_);
    case State::end_tag:
      return end_tag();
    case State::text:
      return text();
    case State::bang:
      return bang();
    case State::cdata:
      return cdata();
    case State::closed:
      return closed();
    case State::failed:
      break;
  }
  return fail(framer_.error_);
}

FramerScan::Step FramerScan::outside() {
  const bool is_inside_header = framer_.has_declaration_ && framer_.depth_ == 0;
  skip_spaces();
  if (at_ != 0 && !is_inside_header) {
    return complete(FrameKind::whitespace);
  }
  if (at_ == size_) {
    return Step::go_on;
  }
  const std::uint8_t c = byte(at_);
  if (c == '<') {
    ++at_;
    framer_.elements_ = 0;
    framer_.state_ = State::less_than;
    return at_ < size_ ? less_than() : Step::go_on;
  }
  if (framer_.depth_ != 0) {
    return fail(XmlError::bad_format);
  }
  // The byte order marks of UTF-16 and UTF-32; that of UTF-8 is a character (RFC 6120 §11.6).
  const bool is_foreign = c == 0 || c == 0xfe || c == 0xff;
  return fail(is_foreign ? XmlError::unsupported_encoding : XmlError::not_well_formed);
}

FramerScan::Step FramerScan::closed() {
  skip_spaces();
  return at_ != 0 ? complete(FrameKind::whitespace) : fail(XmlError::not_well_formed);
}

FramerScan::Step FramerScan::declaration() {
  constexpr std::uint8_t kSpace = kDeclaration.size();
  constexpr std::uint8_t kInside = kSpace + 1;
  constexpr std::uint8_t kQuestion = kSpace + 2;
  const std::uint8_t c = byte(at_++);
  std::uint8_t& progress = framer_.progress_;
  if (progress < kSpace) {
    return c == static_cast<std::uint8_t>(kDeclaration[progress++])
               ? Step::go_on
               : fail(XmlError::restricted_xml);
  }
  if (progress == kSpace) {
    progress = kInside;
    return is_space(c) ? Step::go_on : fail(XmlError::restricted_xml);
  }
  if (c == '<') {
    return fail(XmlError::not_well_formed);
  }
  if (c == '>' && progress == kQuestion) {
    framer_.has_declaration_ = true;
    return to(State::outside);
  }
  progress = c == '?' ? kQuestion : kInside;
  return Step::go_on;
}

FramerScan::Step FramerScan::less_than() {
  const std::uint8_t c = byte(at_);
  framer_.name_hash_ = kHashSeed;
  switch (c) {
    case '/':
      if (framer_.depth_ == 0) {
        return fail(XmlError::not_well_formed);
      }
      ++at_;
      framer_.is_naming_ = framer_.depth_ == 1;
      framer_.state_ = State::end_tag;
      return at_ < size_ ? end_tag() : Step::go_on;
    case '!':
      ++at_;
      framer_.progress_ = 0;
      return to(State::bang);
    case '?':
      if (framer_.depth_ != 0 || framer_.has_declaration_) {
        return fail(XmlError::restricted_xml);
      }
      ++at_;
      framer_.progress_ = 0;
      return to(State::declaration);
    case '<':
    case '>':
    case ' ':
      return fail(XmlError::not_well_formed);
    case 0:  // what UTF-16 looks like without its mark
      return fail(framer_.depth_ == 0 ? XmlError::unsupported_encoding : XmlError::not_well_formed);
    default:
      break;
  }
  if (framer_.depth_ > limits_.depth_max) {
    return fail(XmlError::policy_violation);
  }
  if (framer_.depth_ != 0 && ++framer_.elements_ > limits_.elements_max) {
    return fail(XmlError::policy_violation);
  }
  framer_.attributes_ = 0;
  framer_.is_naming_ = framer_.depth_ == 0;
  framer_.state_ = State::tag;
  return tag();  // which looks at this byte again
}

// What follows nearly always is called at once; the states are for where the bytes end.
FramerScan::Step FramerScan::text() {
  at_ = find([](const ByteMasks& masks) { return masks.less_than; });
  if (at_ == size_) {
    return Step::go_on;
  }
  ++at_;
  framer_.state_ = State::less_than;
  return at_ < size_ ? less_than() : Step::go_on;
}

/// Hashes the root's name; false when the bytes end before it does.
bool FramerScan::read_name() {
  std::uint32_t hash = framer_.name_hash_;
  for (; at_ < size_; ++at_) {
    const std::uint8_t c = byte(at_);
    if (is_space(c) || c == '/' || c == '>') {
      framer_.is_naming_ = false;
      break;
    }
    hash = (hash ^ c) * 16'777'619U;
  }
  framer_.name_hash_ = hash;
  return !framer_.is_naming_;
}

FramerScan::Step FramerScan::tag() {
  if (framer_.is_naming_ && !read_name()) {
    return Step::go_on;
  }
  for (;;) {
    at_ = find([](const ByteMasks& masks) {
      return masks.less_than | masks.greater_than | masks.apostrophe | masks.quote;
    });
    if (at_ == size_) {
      return Step::go_on;
    }
    const std::uint8_t c = byte(at_);
    if (c == '<') {
      return fail(XmlError::not_well_formed);
    }
    if (c == '>') {
      const std::uint8_t before = at_ == 0 ? framer_.last_ : byte(at_ - 1);
      ++at_;
      return start_tag_done(before == '/');
    }
    if (++framer_.attributes_ > limits_.attributes_max) {
      return fail(XmlError::policy_violation);
    }
    ++at_;
    framer_.state_ = c == '"' ? State::quote : State::apostrophe;
    if (value(framer_.state_) == Step::done || framer_.state_ != State::tag) {
      return framer_.state_ == State::failed ? Step::done : Step::go_on;
    }
  }
}

FramerScan::Step FramerScan::start_tag_done(bool is_empty) {
  if (framer_.depth_ == 0) {
    if (is_empty) {
      return fail(XmlError::bad_format);  // a stream that ends in its own header
    }
    framer_.depth_ = 1;
    framer_.root_name_hash_ = framer_.name_hash_;
    framer_.state_ = State::outside;
    return complete(FrameKind::stream_open);
  }
  if (!is_empty) {
    ++framer_.depth_;
    return to(State::text);
  }
  if (framer_.depth_ == 1) {
    framer_.state_ = State::outside;
    return complete(FrameKind::stanza);
  }
  return to(State::text);
}

FramerScan::Step FramerScan::end_tag() {
  if (framer_.is_naming_ && !read_name()) {
    return Step::go_on;
  }
  at_ = find([](const ByteMasks& masks) { return masks.less_than | masks.greater_than; });
  if (at_ == size_) {
    return Step::go_on;
  }
  if (byte(at_++) == '<') {
    return fail(XmlError::not_well_formed);
  }
  if (framer_.depth_ == 1) {
    if (framer_.name_hash_ != framer_.root_name_hash_) {
      return fail(XmlError::not_well_formed);
    }
    framer_.depth_ = 0;
    framer_.state_ = State::closed;
    return complete(FrameKind::stream_close);
  }
  if (--framer_.depth_ == 1) {
    framer_.state_ = State::outside;
    return complete(FrameKind::stanza);
  }
  return to(State::text);
}

FramerScan::Step FramerScan::value(State state) {
  at_ = state == State::quote
            ? find([](const ByteMasks& masks) { return masks.less_than | masks.quote; })
            : find([](const ByteMasks& masks) { return masks.less_than | masks.apostrophe; });
  if (at_ == size_) {
    return Step::go_on;
  }
  return byte(at_++) == '<' ? fail(XmlError::not_well_formed) : to(State::tag);
}

FramerScan::Step FramerScan::bang() {
  const std::uint8_t c = byte(at_++);
  if (c != static_cast<std::uint8_t>(kCdata[framer_.progress_])) {
    return fail(XmlError::restricted_xml);
  }
  if (framer_.depth_ <= 1) {
    return fail(framer_.depth_ == 0 ? XmlError::not_well_formed : XmlError::bad_format);
  }
  if (++framer_.progress_ < kCdata.size()) {
    return Step::go_on;
  }
  framer_.progress_ = 0;
  return to(State::cdata);
}

/// progress_ counts the ] in a row, up to the two that > may follow.
FramerScan::Step FramerScan::cdata() {
  if (framer_.progress_ == 0) {
    const void* bracket = std::memchr(bytes_ + at_, ']', size_ - at_);
    if (bracket == nullptr) {
      at_ = size_;
      return Step::go_on;
    }
    at_ = static_cast<std::size_t>(static_cast<const std::byte*>(bracket) - bytes_);
  }
  const std::uint8_t c = byte(at_++);
  if (c == '>' && framer_.progress_ == 2) {
    return to(State::text);
  }
  if (c != ']') {
    framer_.progress_ = 0;
  } else if (framer_.progress_ < 2) {
    ++framer_.progress_;
  }
  return Step::go_on;
}

Framer Framer::inside_stream() {
  Framer framer;
  framer.depth_ = 1;
  return framer;
}

FrameEvent Framer::feed(std::span<const std::byte> bytes, const base::StanzaLimits& limits) {
  const std::size_t room =
      limits.stanza_bytes_max > stanza_bytes_ ? limits.stanza_bytes_max - stanza_bytes_ : 0;
  const std::size_t size = std::min(bytes.size(), room);
  FramerScan scan(*this, bytes, size, limits);
  FrameEvent event = scan.run();
  if (event.kind != FrameKind::need_more) {
    return event;
  }
  if (state_ == State::failed || size < bytes.size()) {
    error_ = state_ == State::failed ? error_ : XmlError::policy_violation;
    state_ = State::failed;
    return {FrameKind::error, error_, event.consumed};
  }
  if (size != 0) {
    stanza_bytes_ += static_cast<std::uint32_t>(size);
    last_ = static_cast<std::uint8_t>(bytes[size - 1]);
  }
  return event;
}

}  // namespace rondel::xml
