#include "base/result.h"

namespace rondel::base {

Error system_error(std::string what, int error_number) {
  const std::error_code code(error_number, std::system_category());
  what += ": ";
  what += code.message();
  return Error(std::move(what), code);
}

}  // namespace rondel::base
