// SPDX-License-Identifier: Apache-2.0
// The keys whose signatures the gateway believes, from PEM files of public keys. Decides which key a signature may be
// of and whether it is; roles, validity and revocation come with the root file and are not here yet. Made by app,
// called by suit::open.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cose/key_ring.hpp"

namespace hg::crypto {

class Anchors : public cose::KeyRing {
 public:
  Anchors();
  ~Anchors() override;

  /// One public key; its name is the file's without directory and extension.
  Result<void> add_file(const std::filesystem::path& path);

  /// The text of one "PUBLIC KEY" in PEM. Refused by name: private keys, more than one key, the same key or name
  /// again, RSA (below 2048 bits as too weak), curves other than P-256 and P-384, anything unknown.
  Result<void> add(std::string name, std::string_view pem);

  [[nodiscard]] std::size_t size() const;

  /// A kid that equals the name of a key, or the SHA-256 of its SubjectPublicKeyInfo, chooses that key alone; else
  /// each key of the algorithm's type is tried. Algorithms: signatures.cpp.
  [[nodiscard]] Result<std::string> verify(std::int64_t algorithm, ByteView key_id, ByteView to_be_signed,
                                           ByteView signature) const override;

  /// There are no MAC keys among trust anchors.
  [[nodiscard]] Result<std::string> verify_mac(std::int64_t algorithm, ByteView key_id, ByteView to_be_maced,
                                               ByteView tag) const override;

  [[nodiscard]] Digest sha256(ByteView bytes) const override;
  [[nodiscard]] Result<Digest> digest(std::int64_t algorithm, ByteView bytes) const override;

 private:
  struct Key;

  std::vector<Key> keys_;
};

}  // namespace hg::crypto
