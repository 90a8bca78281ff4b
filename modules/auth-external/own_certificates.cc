#include "modules/auth-external/own_certificates.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/encoding.h"

namespace rondel::modules::auth_external {
namespace {

std::optional<OwnCertificate> parse_line(std::string_view line) {
  std::array<std::string_view, 4> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t space = i + 1 < parts.size() ? line.find(' ') : line.size();
    if (space == std::string_view::npos) {
      return std::nullopt;
    }
    parts[i] = line.substr(0, space);
    line.remove_prefix(std::min(space + 1, line.size()));
  }
  auto label = base::base64_decode(parts[2]);
  auto der = base::base64_decode(parts[3]);
  if (!label || !der || (parts[1] != "full" && parts[1] != "limited")) {
    return std::nullopt;
  }
  return OwnCertificate{std::move(*label), std::string(parts[0]), std::move(*der),
                        parts[1] == "full"};
}

}  // namespace

std::string to_text(const std::vector<OwnCertificate>& certificates) {
  std::string text;
  for (const OwnCertificate& each : certificates) {
    text += each.fingerprint;
    text += each.may_manage ? " full " : " limited ";
    text += base::base64_encode(each.label);
    text += ' ';
    text += base::base64_encode(each.der);
    text += '\n';
  }
  return text;
}

std::vector<OwnCertificate> parse_own_certificates(std::string_view text) {
  std::vector<OwnCertificate> certificates;
  while (!text.empty() && certificates.size() < kOwnCertificatesMax) {
    const std::size_t end = text.find('\n');
    if (auto certificate = parse_line(text.substr(0, end))) {
      certificates.push_back(std::move(*certificate));
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return certificates;
}

}  // namespace rondel::modules::auth_external
