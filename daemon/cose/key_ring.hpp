// SPDX-License-Identifier: Apache-2.0
// What readers of signed things need of cryptography, in COSE's words: whether a signature or a MAC is of a key that
// somebody believes, and digests. Which keys those are is for whoever makes the ring (trust, app, pack); how the
// mathematics is done is the implementer's business (adapters/crypto). Used by suit and trust.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"

namespace hg::cose {

class KeyRing {
 public:
  KeyRing() = default;
  KeyRing(const KeyRing&) = delete;
  KeyRing& operator=(const KeyRing&) = delete;
  virtual ~KeyRing() = default;

  /// The name of the key that made `signature` over `to_be_signed`.
  /// `algorithm` is a number of IANA's "COSE Algorithms"; `key_id` is the COSE header's kid, empty if it has none, and
  /// only a hint. Errors: unsupported (algorithm), unauthenticated (no key of the ring made it; the text says why).
  [[nodiscard]] virtual Result<std::string> verify(std::int64_t algorithm, ByteView key_id, ByteView to_be_signed,
                                                   ByteView signature) const = 0;

  /// The same for a MAC; only keys that were given as MAC keys are tried. Most rings have none: then every MAC is
  /// unauthenticated.
  [[nodiscard]] virtual Result<std::string> verify_mac(std::int64_t algorithm, ByteView key_id, ByteView to_be_maced,
                                                       ByteView tag) const = 0;

  [[nodiscard]] virtual Digest sha256(ByteView bytes) const = 0;

  /// -16 SHA-256, -43 SHA-384, -44 SHA-512 (RFC 9054 §2.1). Errors: unsupported.
  [[nodiscard]] virtual Result<Digest> digest(std::int64_t algorithm, ByteView bytes) const = 0;
};

/// A public key as it travels: a COSE_Key (RFC 9052 §7) and the name that verify() answers.
struct NamedKey {
  std::string name;
  ByteView cose_key;
};

/// Makes rings of keys that come from files and records.
class RingMaker {
 public:
  RingMaker() = default;
  RingMaker(const RingMaker&) = delete;
  RingMaker& operator=(const RingMaker&) = delete;
  virtual ~RingMaker() = default;

  /// Refused by name: a key that is not on its curve, is private, weak, of an unknown type, or there twice.
  [[nodiscard]] virtual Result<std::unique_ptr<KeyRing>> ring_of(std::span<const NamedKey> keys) const = 0;
};

}  // namespace hg::cose
