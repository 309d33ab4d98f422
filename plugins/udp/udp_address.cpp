// SPDX-License-Identifier: Apache-2.0
#include "udp/udp_address.hpp"

#include <algorithm>
#include <charconv>

namespace hg::udp {
namespace {

constexpr std::size_t kLongestName = 253;  // RFC 1035 section 2.3.4, written out

Result<std::uint16_t> port_from(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool is_whole = failure == std::errc{} && end == text.data() + text.size();
  if (!is_whole || port == 0) return Error{Errc::invalid, "address: '" + std::string(text) + "' is no port"};
  return port;
}

bool is_host(std::string_view host) {
  const auto is_fine = [](char c) { return c > ' ' && c < 0x7F && c != '[' && c != ']' && c != '/'; };
  return !host.empty() && host.size() <= kLongestName && std::ranges::all_of(host, is_fine);
}

}  // namespace

Result<UdpAddress> udp_address_from(std::string_view address) {
  UdpAddress found;
  std::string_view rest;  // behind the host
  if (address.starts_with('[')) {
    const std::size_t end = address.find(']');
    if (end == std::string_view::npos) return Error{Errc::invalid, "address: ']' is missing"};
    found.host = address.substr(1, end - 1);
    rest = address.substr(end + 1);
  } else {
    found.host = address.substr(0, address.find(':'));
    rest = address.substr(found.host.size());
    if (rest.find(':', 1) != std::string_view::npos) {
      return Error{Errc::invalid, "address: an IPv6 address stands in brackets, \"[2001:db8::7]:1337\""};
    }
  }
  if (!is_host(found.host)) return Error{Errc::invalid, "address: there is no host in it"};
  if (rest.empty()) return found;
  if (rest.front() != ':') return Error{Errc::invalid, "address: ':' and a port may follow the host"};
  const auto port = port_from(rest.substr(1));
  if (!port) return port.error();
  found.port = *port;
  return found;
}

}  // namespace hg::udp
