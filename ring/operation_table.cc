#include "ring/operation_table.h"

namespace rondel::ring {

std::uint32_t OperationTable::add(
    OperationKind kind, int fd, const void* memory, std::uint64_t argument, Tag tag) {
  std::uint32_t index = first_free_;
  if (index != kNone) {
    first_free_ = records_[index].next;
  } else {
    RONDEL_CHECK(records_.size() < kNone);
    index = static_cast<std::uint32_t>(records_.size());
    records_.emplace_back();
    if (records_.size() > buckets_.size()) {
      grow_buckets();
    }
  }
  Operation& operation = records_[index];
  const std::uint32_t generation = operation.generation;
  operation = {.tag = tag,
               .fd = fd,
               .memory = memory,
               .argument = argument,
               .generation = generation,
               .kind = kind,
               .place = OperationPlace::kernel};
  link_tag(index);
  ++size_;
  return index;
}

void OperationTable::remove(std::uint32_t index) {
  unlink_tag(index);
  Operation& operation = records_[index];
  RONDEL_ASSERT(operation.place == OperationPlace::kernel);
  operation.place = OperationPlace::free;
  ++operation.generation;
  operation.next = first_free_;
  first_free_ = index;
  --size_;
}

std::uint32_t OperationTable::matching(Tag tag, std::uint32_t index) const {
  while (index != kNone && !(records_[index].tag == tag)) {
    index = records_[index].next_in_bucket;
  }
  return index;
}

std::uint32_t OperationTable::first_with(Tag tag) const {
  return matching(tag, buckets_[bucket_of(tag)]);
}

std::uint32_t OperationTable::next_with(Tag tag, std::uint32_t index) const {
  return matching(tag, records_[index].next_in_bucket);
}

void OperationTable::push_back(OperationList& list, std::uint32_t index) {
  Operation& operation = records_[index];
  RONDEL_ASSERT(operation.place == OperationPlace::kernel);
  operation.place = list.place;
  operation.previous = list.last;
  operation.next = kNone;
  if (list.last != kNone) {
    records_[list.last].next = index;
  } else {
    list.first = index;
  }
  list.last = index;
  ++list.size;
}

void OperationTable::unlink(OperationList& list, std::uint32_t index) {
  Operation& operation = records_[index];
  RONDEL_ASSERT(operation.place == list.place && list.size > 0);
  if (operation.previous != kNone) {
    records_[operation.previous].next = operation.next;
  } else {
    list.first = operation.next;
  }
  if (operation.next != kNone) {
    records_[operation.next].previous = operation.previous;
  } else {
    list.last = operation.previous;
  }
  operation.next = operation.previous = kNone;
  operation.place = OperationPlace::kernel;
  --list.size;
}

std::size_t OperationTable::bucket_of(Tag tag) const {
  // Slots are dense, and what is sent to many goes to neighbours: few lines of memory hold them.
  return (std::size_t{tag.owner.slot} + static_cast<std::size_t>(tag.op)) & (buckets_.size() - 1);
}

void OperationTable::link_tag(std::uint32_t index) {
  std::uint32_t& bucket = buckets_[bucket_of(records_[index].tag)];
  records_[index].next_in_bucket = bucket;
  bucket = index;
}

void OperationTable::unlink_tag(std::uint32_t index) {
  std::uint32_t* link = &buckets_[bucket_of(records_[index].tag)];
  while (*link != index) {
    RONDEL_ASSERT(*link != kNone);
    link = &records_[*link].next_in_bucket;
  }
  *link = records_[index].next_in_bucket;
}

void OperationTable::grow_buckets() {
  buckets_.assign(buckets_.size() * 2, kNone);
  for (std::uint32_t index = 0; index < records_.size(); ++index) {
    if (records_[index].place != OperationPlace::free) {
      link_tag(index);
    }
  }
}

}  // namespace rondel::ring
