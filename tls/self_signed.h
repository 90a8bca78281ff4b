// A certificate for a first try, before a real one is there.
#pragma once

#include <span>
#include <string>

#include "base/result.h"

namespace rondel::tls {

/// Writes an ECDSA P-256 key (mode 0600) and a certificate for `hosts` that it has signed itself.
///
/// The first host is also the common name. Files that exist are not overwritten.
/// Errors: path and reason; a half-written pair is removed.
[[nodiscard]] base::Result<void> generate_self_signed(std::span<const std::string> hosts,
                                                      int days,
                                                      const std::string& certificate_path,
                                                      const std::string& key_path);

}  // namespace rondel::tls
