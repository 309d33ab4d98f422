// SPDX-License-Identifier: Apache-2.0
// The keys whose signatures and MACs somebody believes, from PEM files, COSE_Keys and secrets. Decides which key a
// signature may be of and whether it is; roles, validity and thresholds are for trust. Made by app (a directory of
// PEM files), by RingMaker for trust (the keys of a root file), and by headgate-pack; called by suit::open and trust.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cose/key_ring.hpp"

namespace hg::crypto {

/// Names are not empty and unique, also between public keys and secrets. A public key never checks a MAC and a secret
/// never a signature: they are kept apart.
class Keys : public cose::KeyRing {
 public:
  Keys();
  ~Keys() override;

  /// One public key in PEM; its name is the file's without directory and extension. Errors: not_found, io, as add().
  Result<void> add_file(const std::filesystem::path& path);

  /// The text of one "PUBLIC KEY" in PEM. Refused by name: private keys, more than one key, the same key or name
  /// again, RSA (below 2048 bits as too weak), curves that nothing is signed with here, points off their curve,
  /// anything unknown.
  Result<void> add(std::string name, std::string_view pem);

  /// One COSE_Key with nothing after it (cose/key.hpp). Its "alg", if there is one, is the only algorithm that it will
  /// verify, and must be one of its curve. Refused as add() and cose::read_key() refuse.
  Result<void> add_cose_key(std::string name, ByteView cose_key);

  /// A secret for MACs: 32, 48 or 64 bytes, which is also what binds it to HMAC 256, 384 or 512 (RFC 9053 §3.1).
  Result<void> add_mac_key(std::string name, ByteView secret);

  /// How many public keys there are.
  [[nodiscard]] std::size_t size() const;

  /// A kid that equals the name of a key, or the SHA-256 of its SubjectPublicKeyInfo, chooses that key alone; else
  /// each key of the algorithm's curve is tried. Algorithms: cose/algorithms.cpp.
  [[nodiscard]] Result<std::string> verify(std::int64_t algorithm, ByteView key_id, ByteView to_be_signed,
                                           ByteView signature) const override;

  /// The same among the secrets, whose kid is their name.
  [[nodiscard]] Result<std::string> verify_mac(std::int64_t algorithm, ByteView key_id, ByteView to_be_maced,
                                               ByteView tag) const override;

  [[nodiscard]] Digest sha256(ByteView bytes) const override;
  [[nodiscard]] Result<Digest> digest(std::int64_t algorithm, ByteView bytes) const override;

 private:
  struct PublicKey;
  struct MacKey;

  [[nodiscard]] Result<void> check_name(std::string_view name) const;
  Result<void> keep(PublicKey key);

  std::vector<PublicKey> public_keys_;
  std::vector<MacKey> mac_keys_;
};

/// Rings of public keys for trust.
class RingMaker : public cose::RingMaker {
 public:
  /// The error names the key: "key vendor-1: a point that is not on its curve".
  [[nodiscard]] Result<std::unique_ptr<cose::KeyRing>> ring_of(std::span<const cose::NamedKey> keys) const override;
};

}  // namespace hg::crypto
