#include "tls/certificate.h"

#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "tls/pem.h"

namespace rondel::tls {

int CertificateInfo::days_left(TimePoint now) const {
  return static_cast<int>(std::chrono::floor<std::chrono::days>(valid_until - now).count());
}

bool CertificateInfo::covers(std::string_view host) const {
  return std::any_of(names.begin(), names.end(),
                     [host](const std::string& name) { return name_matches(name, host); });
}

std::string CertificateInfo::expiry_notice(TimePoint now, int warning_days) const {
  const auto date = [](TimePoint when) {
    return fmt::format("{:%Y-%m-%d %H:%M} UTC",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(when)));
  };
  if (now < valid_from) {
    return fmt::format("certificate '{}' is not valid before {}", path, date(valid_from));
  }
  if (now >= valid_until) {
    return fmt::format("certificate '{}' expired on {}", path, date(valid_until));
  }
  if (days_left(now) < warning_days) {
    return fmt::format("certificate '{}' expires on {}, in {} days", path, date(valid_until),
                       days_left(now));
  }
  return "";
}

base::Result<CertificateInfo> read_certificate(const std::string& path) {
  RONDEL_TRY(const CertificateChain chain, read_chain(path));
  return describe(*chain.leaf, path);
}

bool name_matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) {
    return !host.empty() && pattern == host;
  }
  const std::size_t dot = host.find('.');
  return pattern.size() > 2 && dot != std::string_view::npos && dot != 0 &&
         pattern.substr(1) == host.substr(dot);
}

}  // namespace rondel::tls
