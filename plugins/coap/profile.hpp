// SPDX-License-Identifier: Apache-2.0
// What the profile of a child type says in its table [coap], and what an address says. Ranges and meanings stand in
// config/profiles/schema/coap.toml. Read once for each Enroll by coap_driver.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "coap/exchange.hpp"
#include "wire/frames.hpp"

namespace hg::coap {

/// How it is told that a child runs a new image. Beside it there must always be Result 1 for an update of ours.
enum class Proves : std::uint8_t {
  version,  ///< /3/0/3, or /33629/x/15
  package,  ///< /5/0/7 (PkgVersion)
  result,   ///< nothing but the Result: this kind never changes what it says
};
enum class Way : std::uint8_t { automatic, pull, push };

struct Profile {
  Proves evidence = Proves::version;
  Way way = Way::automatic;
  std::uint16_t object = 0;    ///< 5 or 33629; 0: 33629 where there is one
  std::uint16_t block = 1024;  ///< bytes, a power of two from 16 to 1024
  Milliseconds ack_timeout{2000};
  Milliseconds answer{10'000};    ///< for one request, with its retransmissions
  Milliseconds awake{93'000};     ///< how long a child in queue mode listens after it spoke
  Milliseconds grace{93'000};     ///< beyond its lifetime, until a registration has expired
  std::uint32_t defer_s = 0;      ///< Maximum Defer Period; 0: it may not put off
  Milliseconds poll{30'000};      ///< State and Result are read this often beside being observed
  bool takes_older = false;       ///< the child takes an older image again: `reinstall`
  bool installs_at_once = false;  ///< it installs what it has downloaded without being told: `unstageable`
  // a child that takes SUIT manifests
  std::string trigger = "suit/trigger";
  std::string version = "suit/version";
  std::string manifest = "suit/manifest";  ///< where we offer it
  Milliseconds verdict{120'000};           ///< from the last block until the child must say its new version
  Milliseconds refusal{30'000};  ///< from the manifest's last block until it asks for a payload, or has refused
  std::uint8_t payloads = 1;

  friend bool operator==(const Profile&, const Profile&) = default;
};

Result<Profile> profile_from(const wire::ProfileValues& values);

/// "lwm2m:ENDPOINT" (1 to 200 bytes, not escaped), "coap://host[:port]" and "coaps://host[:port]".
struct Address {
  enum class Kind : std::uint8_t { lwm2m, suit } kind = Kind::lwm2m;
  std::string name;         ///< the endpoint; or "host:port"
  bool is_secured = false;  ///< coaps
};
Result<Address> address_from(std::string_view text);

}  // namespace hg::coap
