// SPDX-License-Identifier: Apache-2.0
#include "serial/line_address.hpp"

#include <algorithm>

namespace hg::serial {
namespace {

constexpr std::string_view kByProperties = "udev:";
constexpr std::size_t kMostProperties = 8;

bool is_property_name(std::string_view name) {
  const auto is_fine = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && std::ranges::all_of(name, is_fine);
}

}  // namespace

Result<LineAddress> line_address_from(std::string_view address) {
  LineAddress line;
  if (!address.starts_with(kByProperties)) {
    line.node = address;
    if (line.node.is_absolute()) return line;
    return Error{Errc::invalid, "the address must be the absolute path of a tty, or udev:PROPERTY=VALUE"};
  }
  std::string_view rest = address.substr(kByProperties.size());
  while (true) {
    const std::string_view one = rest.substr(0, rest.find(','));
    const std::size_t equals = one.find('=');
    const bool is_pair = equals != std::string_view::npos && equals + 1 < one.size();
    if (!is_pair || !is_property_name(one.substr(0, equals))) {
      return Error{Errc::invalid, "address: '" + std::string(one) + "' is not PROPERTY=VALUE"};
    }
    line.properties[std::string(one.substr(0, equals))] = one.substr(equals + 1);
    if (line.properties.size() > kMostProperties) return Error{Errc::invalid, "address: more than eight properties"};
    if (one.size() == rest.size()) return line;
    rest.remove_prefix(one.size() + 1);
  }
}

}  // namespace hg::serial
