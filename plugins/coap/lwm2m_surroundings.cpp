// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_surroundings.hpp"

namespace hg::coap {
namespace {

/// "host:port" and "[::1]:port" have one; "host", "::1" and "[::1]" have none.
bool names_port(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return false;
  return colon == address.find(':') || address[colon - 1] == ']';
}

std::string with_port(const std::string& address, std::uint16_t port) {
  const bool is_bare_v6 = address.find(':') != std::string::npos && !address.starts_with('[');
  return (is_bare_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

}  // namespace

std::string uri_for(const Surroundings& around, const Peer& peer, const std::string& path) {
  const bool is_secured = peer.proof().is_secured;
  std::string host = around.public_address.empty() ? peer.local_address() : around.public_address;
  if (!names_port(host)) host = with_port(host, is_secured ? around.server->secure_port() : around.server->port());
  return (is_secured ? "coaps://" : "coap://") + host + "/" + path;
}

}  // namespace hg::coap
