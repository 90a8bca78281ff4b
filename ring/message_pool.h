// Message headers of vectored sends, at addresses that stay.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <sys/socket.h>
#include <vector>

namespace rondel::ring {

/// Lends headers by index: the kernel may look at one until its send completes.
class MessagePool {
 public:
  std::uint32_t take(std::span<const iovec> parts) {
    std::uint32_t index;
    if (free_.empty()) {
      index = static_cast<std::uint32_t>(headers_.size());
      headers_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    headers_[index] = {};
    headers_[index].msg_iov = const_cast<iovec*>(parts.data());
    headers_[index].msg_iovlen = parts.size();
    return index;
  }
  void give_back(std::uint32_t index) { free_.push_back(index); }
  [[nodiscard]] const msghdr& operator[](std::uint32_t index) const { return headers_[index]; }

 private:
  std::deque<msghdr> headers_;
  std::vector<std::uint32_t> free_;
};

}  // namespace rondel::ring
