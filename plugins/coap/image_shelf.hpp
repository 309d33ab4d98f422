// SPDX-License-Identifier: Apache-2.0
// Images that children may pull, by path, for as long as somebody holds their place. Served statelessly (coap.md 4.3):
// every block of every child is read and sent by itself, in any order, with an ETag that is a hash of the whole. Steps
// put images here; server answers GETs out of it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "sdk/driver.hpp"
#include "sdk/image_view.hpp"

namespace hg::coap {

struct Served {
  plugin::ImageView image;
  std::uint64_t size = 0;
  std::array<std::uint8_t, 8> etag{};  ///< the first bytes of the SHA-256 of what the child gets
  std::uint16_t block = 1024;          ///< bytes, for who does not ask for a size; smaller ones are given
  /// Who may have it: the identity of a PSK (or "cert:" and the hex SHA-256 of a certificate), and nobody by the plain
  /// endpoint. Empty: whoever asks for the path, unless `address` says more.
  std::string identity{};
  std::string address{};  ///< only to this IP address, without port; empty: to any
  /// Called on the loop for each block that was handed to the network.
  std::function<void(std::uint64_t offset, std::uint32_t size)> sent{};
};

class ImageShelf {
 public:
  virtual ~ImageShelf() = default;
  /// While the result lives. The same path may stand here for several identities or addresses.
  [[nodiscard]] virtual std::shared_ptr<void> put(std::string path, Served served) = 0;
  /// Paths below "fw/" that are not here are neither answered nor refused until this time: who pulls goes on when the
  /// daemon has said again what it pulls (a restart of ours or of the daemon's).
  virtual void expect_until(plugin::SteadyTime time) = 0;
};

}  // namespace hg::coap
