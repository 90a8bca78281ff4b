#include "log/record.h"

#include <cstring>

namespace rondel::log {
namespace {

// The texts follow in the order of their lengths.
struct Header {
  std::int64_t time_ns;
  base::SlotHandle connection;
  std::uint16_t connection_shard;
  std::uint16_t producer;
  std::uint16_t output;
  Level level;
  bool is_cut;
  std::uint16_t jid_bytes;
  std::uint8_t interface_bytes;
  std::uint8_t event_bytes;
  std::uint8_t remote_address_bytes;
  std::uint32_t text_bytes;
};

std::byte* put(std::byte* to, std::string_view text) {
  // An empty view may hold a null pointer, which memcpy must not see.
  if (!text.empty()) {
    std::memcpy(to, text.data(), text.size());
  }
  return to + text.size();
}

std::string_view cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return text;
  }
  std::size_t end = bytes_max;
  while (end > 0 && end + 3 > bytes_max && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  return text.substr(0, end);
}

}  // namespace

std::size_t record_bytes(const LineView& line) {
  return sizeof(Header) + line.interface.size() + line.event.size() + line.fields.jid.size() +
         line.fields.remote_address.size() + line.text.size();
}

void encode_record(std::span<std::byte> out, const LineView& line, std::uint16_t producer) {
  const Header header{
      .time_ns = line.time_ns,
      .connection = line.fields.connection.handle,
      .connection_shard = line.fields.connection.shard,
      .producer = producer,
      .output = line.output,
      .level = line.level,
      .is_cut = line.is_cut,
      .jid_bytes = static_cast<std::uint16_t>(line.fields.jid.size()),
      .interface_bytes = static_cast<std::uint8_t>(line.interface.size()),
      .event_bytes = static_cast<std::uint8_t>(line.event.size()),
      .remote_address_bytes = static_cast<std::uint8_t>(line.fields.remote_address.size()),
      .text_bytes = static_cast<std::uint32_t>(line.text.size()),
  };
  std::memcpy(out.data(), &header, sizeof header);
  std::byte* to = out.data() + sizeof header;
  to = put(to, line.interface);
  to = put(to, line.event);
  to = put(to, line.fields.jid);
  to = put(to, line.fields.remote_address);
  put(to, line.text);
}

DecodedRecord decode_record(std::span<const std::byte> record) {
  Header header;
  std::memcpy(&header, record.data(), sizeof header);
  const char* from = reinterpret_cast<const char*>(record.data()) + sizeof header;
  const auto next = [&from](std::size_t bytes) {
    const std::string_view text(from, bytes);
    from += bytes;
    return text;
  };
  DecodedRecord decoded;
  decoded.producer = header.producer;
  LineView& line = decoded.line;
  line.level = header.level;
  line.is_cut = header.is_cut;
  line.output = header.output;
  line.time_ns = header.time_ns;
  line.fields.connection = {header.connection_shard, header.connection};
  line.interface = next(header.interface_bytes);
  line.event = next(header.event_bytes);
  line.fields.jid = next(header.jid_bytes);
  line.fields.remote_address = next(header.remote_address_bytes);
  line.text = next(header.text_bytes);
  return decoded;
}

LineView within_bounds(LineView line, std::size_t text_bytes_max) {
  line.interface = cut(line.interface, kNameBytesMax);
  line.event = cut(line.event, kNameBytesMax);
  line.fields.jid = cut(line.fields.jid, kJidBytesMax);
  line.fields.remote_address = cut(line.fields.remote_address, kRemoteAddressBytesMax);
  const std::size_t text_bytes = line.text.size();
  line.text = cut(line.text, text_bytes_max);
  line.is_cut = line.is_cut || line.text.size() != text_bytes;
  return line;
}

}  // namespace rondel::log
