// A growing run of bytes that costs nothing while empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace rondel::base {

[[nodiscard]] inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Appends at the end, consumes at the front.
///
/// Grows by doubling; release() gives the memory back, so an idle connection holds none.
/// Limits: 4 GiB, which is asserted: who fills a buffer bounds it far below.
class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept
      : data_(std::move(other.data_)),
        begin_(std::exchange(other.begin_, 0)),
        end_(std::exchange(other.end_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    data_ = std::move(other.data_);
    begin_ = std::exchange(other.begin_, 0);
    end_ = std::exchange(other.end_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_.get() + begin_, size()}; }
  [[nodiscard]] std::span<std::byte> mutable_bytes() { return {data_.get() + begin_, size()}; }
  [[nodiscard]] std::string_view text() const { return as_text(bytes()); }

  void append(std::span<const std::byte> bytes) {
    if (!bytes.empty()) {
      std::memcpy(prepare(bytes.size()).data(), bytes.data(), bytes.size());
      end_ += static_cast<std::uint32_t>(bytes.size());
    }
  }
  void append(std::string_view text) { append(as_bytes(text)); }
  void append(char c) { *prepare(1).data() = static_cast<std::byte>(c), ++end_; }

  /// Room for at least `count` bytes behind the end; commit() what was written.
  [[nodiscard]] std::span<std::byte> prepare(std::size_t count) {
    if (capacity_ - end_ < count) [[unlikely]] {
      grow(count);
    }
    return {data_.get() + end_, capacity_ - end_};
  }
  void commit(std::size_t count) {
    RONDEL_ASSERT(count <= capacity_ - end_);
    end_ += static_cast<std::uint32_t>(count);
  }

  /// Drops bytes from the front.
  void consume(std::size_t count) {
    RONDEL_ASSERT(count <= size());
    begin_ += static_cast<std::uint32_t>(count);
    if (begin_ == end_) {
      begin_ = end_ = 0;
    }
  }
  /// Drops bytes behind the first `count`.
  void truncate(std::size_t count) {
    RONDEL_ASSERT(count <= size());
    end_ = begin_ + static_cast<std::uint32_t>(count);
  }
  void clear() { begin_ = end_ = 0; }
  /// Empties the buffer and gives its memory back.
  void release() {
    data_.reset();
    begin_ = end_ = capacity_ = 0;
  }
  /// Empties the buffer; its memory stays for the next use if it is no more than `bytes_max`.
  void recycle(std::size_t bytes_max) {
    if (capacity_ > bytes_max) {
      release();
    } else {
      clear();
    }
  }

 private:
  void grow(std::size_t count);

  std::unique_ptr<std::byte[]> data_;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace rondel::base
