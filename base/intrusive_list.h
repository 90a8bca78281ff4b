// A list whose links live in its elements: no allocation, removal without a search.
#pragma once

#include "base/check.h"

namespace rondel::base {

/// Base of what stands in an IntrusiveList; removes itself when destroyed.
///
/// `Tag` tells several lists of one object apart.
template <class Tag = void>
class ListLink {
 public:
  ListLink() = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  ~ListLink() { unlink(); }

  [[nodiscard]] bool is_linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_) {
      next_->previous_ = previous_;
      previous_->next_ = next_;
      next_ = previous_ = nullptr;
    }
  }

 private:
  template <class T, class U>
  friend class IntrusiveList;
  ListLink* next_ = nullptr;
  ListLink* previous_ = nullptr;
};

/// A doubly linked ring through elements that it does not own.
template <class T, class Tag = void>
class IntrusiveList {
 public:
  IntrusiveList() { head_.next_ = head_.previous_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty()) {
      pop_front();
    }
    head_.next_ = head_.previous_ = nullptr;
  }

  [[nodiscard]] bool empty() const { return head_.next_ == &head_; }
  [[nodiscard]] T& front() { return element(*head_.next_); }
  void push_back(T& object) {
    ListLink<Tag>& link = object;
    RONDEL_ASSERT(!link.is_linked());
    link.previous_ = head_.previous_;
    link.next_ = &head_;
    head_.previous_->next_ = &link;
    head_.previous_ = &link;
  }
  T& pop_front() {
    T& object = front();
    static_cast<ListLink<Tag>&>(object).unlink();
    return object;
  }
  /// Moves every element of `other` behind ours.
  void take_all(IntrusiveList& other) {
    if (other.empty()) {
      return;
    }
    ListLink<Tag>* first = other.head_.next_;
    ListLink<Tag>* last = other.head_.previous_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
    other.head_.next_ = other.head_.previous_ = &other.head_;
  }

 private:
  static T& element(ListLink<Tag>& link) { return static_cast<T&>(link); }
  ListLink<Tag> head_;
};

}  // namespace rondel::base
