// SPDX-License-Identifier: Apache-2.0
// The published envelopes and the keys that they are signed with, for the tests of suit.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <iterator>
#include <string>

#include "adapters/crypto/keys.hpp"
#include "suit/profile.hpp"

namespace hg::suit {

inline const std::string kVectors = HEADGATE_SOURCE_DIR "/tests/vectors/suit/";

inline Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

/// Public keys only, as a gateway has them: the drafts' example keys and the Ed25519 key of derived/.
inline void add_public_keys(crypto::Keys& ring) {
  EXPECT_TRUE(ring.add_file(kVectors + "keys/suit-example-p256-public.pem"));
  EXPECT_TRUE(ring.add_file(kVectors + "keys/suit-example-dependent-p256-public.pem"));
  EXPECT_TRUE(ring.add("derived-ed25519",
                       "-----BEGIN PUBLIC KEY-----\n"
                       "MCowBQYDK2VwAyEAILaT4CqjkOkDklYcJciiBIeEni0w9JGVPEf/TJw0rzU=\n"
                       "-----END PUBLIC KEY-----\n"));
}

inline const cose::KeyRing& gateways_ring() {
  static crypto::Keys ring;
  if (ring.size() == 0) add_public_keys(ring);
  return ring;
}

/// With the MAC key of the examples, too.
inline const cose::KeyRing& example_ring() {
  static crypto::Keys ring;
  if (ring.size() == 0) {
    add_public_keys(ring);
    EXPECT_TRUE(ring.add_mac_key("hmac256", Bytes(32, 'a')));
  }
  return ring;
}

/// As a gateway does it.
inline Result<Manifest> open_deliverable(ByteView envelope, const cose::KeyRing& ring) {
  auto manifest = open(envelope, ring);
  if (!manifest) return manifest;
  if (auto checked = check_deliverable(*manifest); !checked) return checked.error();
  return manifest;
}

inline std::string as_test_name(std::string text) {
  for (char& c : text) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return text;
}

}  // namespace hg::suit
