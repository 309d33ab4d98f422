// SPDX-License-Identifier: Apache-2.0
// What the steps of every LwM2M child share: the server with its shelf, the directory of what is remembered, and by
// what name children reach this gateway. lwm2m_server has one, which its steps hold.
#pragma once

#include <filesystem>
#include <string>

#include "coap/clock.hpp"
#include "coap/server.hpp"

namespace hg::coap {

struct Surroundings {
  Server* server = nullptr;  ///< outlives every step
  plugin::Log log;
  std::filesystem::path state;   ///< empty: nothing is remembered
  std::string public_address{};  ///< see Lwm2mServer::Parts
};

/// "coap://192.0.2.1:5683/PATH": as the child of this peer reaches us; coaps for a session with DTLS.
std::string uri_for(const Surroundings& around, const Peer& peer, const std::string& path);

}  // namespace hg::coap
