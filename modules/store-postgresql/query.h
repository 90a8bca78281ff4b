// A statement with its parameters, and the rows that it gave.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct pg_result;

namespace rondel::modules::store_postgresql {

/// One use of a prepared statement; parameters are bound in order, in PostgreSQL's binary form.
///
/// Text never becomes part of a statement. What text() and bytes() get must outlive the query.
class Query {
 public:
  /// `sql` is a literal: its address is the key of the connection's prepared statements.
  explicit Query(const char* sql) : sql_(sql) {}

  Query& text(std::string_view value);
  Query& bytes(std::string_view value);
  Query& integer(std::int64_t value);
  Query& texts(const std::vector<std::string>& values);
  Query& byte_strings(const std::vector<std::string>& values);
  Query& integers(const std::vector<std::int64_t>& values);

  [[nodiscard]] const char* sql() const { return sql_; }
  [[nodiscard]] const std::vector<unsigned>& types() const { return types_; }
  /// One for each parameter, as long as the query lives.
  [[nodiscard]] std::vector<std::string_view> values() const;

 private:
  struct Value {
    std::string own;        ///< What was made here …
    std::string_view seen;  ///< … or what the caller holds.
    bool is_own = false;
  };

  Query& add(unsigned type, std::string_view value);
  Query& add_own(unsigned type, std::string value);

  const char* sql_;
  std::vector<unsigned> types_;  ///< Object identifiers of PostgreSQL's types.
  std::vector<Value> values_;
};

/// Rows in binary form.
class Rows {
 public:
  Rows() = default;
  explicit Rows(pg_result* result);

  [[nodiscard]] std::size_t size() const;
  /// How many rows the statement wrote.
  [[nodiscard]] std::int64_t changed() const;
  /// What the server says it did: "COMMIT".
  [[nodiscard]] std::string_view done() const;
  /// A number of any width; NULL is 0.
  [[nodiscard]] std::int64_t integer(std::size_t row, int column) const;
  /// Text or bytea; NULL is empty.
  [[nodiscard]] std::string bytes(std::size_t row, int column) const;
  [[nodiscard]] std::vector<std::string> texts(std::size_t row, int column) const;

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  [[nodiscard]] std::string_view cell(std::size_t row, int column) const;

  std::unique_ptr<pg_result, Clear> result_;
};

}  // namespace rondel::modules::store_postgresql
