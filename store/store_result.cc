#include "store/store_result.h"

namespace rondel::store {

std::string_view failure_name(Failure failure) {
  switch (failure) {
    case Failure::unavailable:
      return "unavailable";
    case Failure::not_found:
      return "not_found";
    case Failure::conflict:
      return "conflict";
    case Failure::full:
      return "full";
    case Failure::invalid:
      return "invalid";
    case Failure::unsupported:
      return "unsupported";
  }
  return "?";
}

}  // namespace rondel::store
