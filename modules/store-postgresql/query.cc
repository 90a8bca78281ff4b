#include "modules/store-postgresql/query.h"

#include <charconv>
#include <libpq-fe.h>

namespace rondel::modules::store_postgresql {
namespace {

// pg_type.dat: these never change.
constexpr unsigned kBytea = 17;
constexpr unsigned kInt8 = 20;
constexpr unsigned kText = 25;
constexpr unsigned kByteaArray = 1001;
constexpr unsigned kTextArray = 1009;
constexpr unsigned kInt8Array = 1016;

void append(std::string& out, std::uint64_t value, int byte_count) {
  for (int i = byte_count - 1; i >= 0; --i) {
    out.push_back(static_cast<char>(value >> (8 * i)));
  }
}

std::uint64_t number_of(std::string_view bytes) {
  // Sign extension, so that each width gives its number.
  std::uint64_t value = !bytes.empty() && (bytes[0] & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  for (const char byte : bytes) {
    value = value << 8 | static_cast<unsigned char>(byte);
  }
  return value;
}

// The binary form of an array: dimensions, NULLs, type, then the extent and the elements.
std::string array_header(unsigned element, std::size_t count) {
  std::string out;
  append(out, count == 0 ? 0 : 1, 4);
  append(out, 0, 4);
  append(out, element, 4);
  if (count > 0) {
    append(out, count, 4);
    append(out, 1, 4);
  }
  return out;
}

std::string array_of(unsigned element, const std::vector<std::string>& values) {
  std::string out = array_header(element, values.size());
  for (const std::string& value : values) {
    append(out, value.size(), 4);
    out += value;
  }
  return out;
}

}  // namespace

Query& Query::add(unsigned type, std::string_view value) {
  types_.push_back(type);
  values_.push_back({{}, value, false});
  return *this;
}

Query& Query::add_own(unsigned type, std::string value) {
  types_.push_back(type);
  values_.push_back({std::move(value), {}, true});
  return *this;
}

Query& Query::text(std::string_view value) {
  return add(kText, value);
}
Query& Query::bytes(std::string_view value) {
  return add(kBytea, value);
}
Query& Query::integer(std::int64_t value) {
  std::string bytes;
  append(bytes, static_cast<std::uint64_t>(value), 8);
  return add_own(kInt8, std::move(bytes));
}
Query& Query::texts(const std::vector<std::string>& values) {
  return add_own(kTextArray, array_of(kText, values));
}
Query& Query::byte_strings(const std::vector<std::string>& values) {
  return add_own(kByteaArray, array_of(kBytea, values));
}
Query& Query::integers(const std::vector<std::int64_t>& values) {
  std::string bytes = array_header(kInt8, values.size());
  for (const std::int64_t value : values) {
    append(bytes, 8, 4);
    append(bytes, static_cast<std::uint64_t>(value), 8);
  }
  return add_own(kInt8Array, std::move(bytes));
}

std::vector<std::string_view> Query::values() const {
  std::vector<std::string_view> views;
  views.reserve(values_.size());
  for (const Value& value : values_) {
    views.push_back(value.is_own ? std::string_view(value.own) : value.seen);
  }
  return views;
}

Rows::Rows(pg_result* result) : result_(result) {
}

void Rows::Clear::operator()(pg_result* result) const {
  PQclear(result);
}

std::size_t Rows::size() const {
  return static_cast<std::size_t>(PQntuples(result_.get()));
}

std::int64_t Rows::changed() const {
  const std::string_view text = PQcmdTuples(result_.get());
  std::int64_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

std::string_view Rows::done() const {
  return PQcmdStatus(result_.get());
}

std::string_view Rows::cell(std::size_t row, int column) const {
  const int at = static_cast<int>(row);
  return {PQgetvalue(result_.get(), at, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), at, column))};
}

std::int64_t Rows::integer(std::size_t row, int column) const {
  return static_cast<std::int64_t>(number_of(cell(row, column)));
}

std::string Rows::bytes(std::size_t row, int column) const {
  return std::string(cell(row, column));
}

std::vector<std::string> Rows::texts(std::size_t row, int column) const {
  std::string_view left = cell(row, column);
  const auto take = [&left](std::size_t size) {
    const std::string_view part = left.substr(0, size);
    left.remove_prefix(part.size());
    return part;
  };
  std::vector<std::string> values;
  if (number_of(take(4)) == 0) {
    return values;
  }
  take(8);
  const std::uint64_t count = number_of(take(4));
  take(4);
  for (std::uint64_t i = 0; i < count && !left.empty(); ++i) {
    const auto size = static_cast<std::int32_t>(number_of(take(4)));
    values.emplace_back(size < 0 ? std::string_view() : take(static_cast<std::size_t>(size)));
  }
  return values;
}

}  // namespace rondel::modules::store_postgresql
