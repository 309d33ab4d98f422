// SPDX-License-Identifier: Apache-2.0
// A key ring whose signatures are the signers' names, and its maker: for tests that show what becomes of deliverables
// and records. That signatures are real ones is for test_ingest (vectors) and tests/spine (programs).
#pragma once

#include <algorithm>
#include <memory>
#include <set>
#include <span>
#include <string>

#include "adapters/crypto/hashes.hpp"
#include "adapters/crypto/keys.hpp"
#include "core/trust_draft.hpp"

namespace hg::fakes {

/// Records are signed as trust::draft does it, envelopes by the key that the kid names.
class NamesRing final : public cose::KeyRing {
 public:
  explicit NamesRing(std::span<const cose::NamedKey> keys) : of_records_(keys) {
    for (const cose::NamedKey& key : keys) names_.insert(key.name);
  }
  [[nodiscard]] Result<std::string> verify(std::int64_t algorithm, ByteView key_id, ByteView message,
                                           ByteView signature) const override {
    if (!std::ranges::equal(signature, as_bytes("ok")))
      return of_records_.verify(algorithm, key_id, message, signature);
    std::string name(key_id.begin(), key_id.end());
    if (!names_.contains(name)) return Error{Errc::unauthenticated, "no key of the root made it"};
    return name;
  }
  [[nodiscard]] Result<std::string> verify_mac(std::int64_t, ByteView, ByteView, ByteView) const override {
    return Error{Errc::unauthenticated, "no MACs"};
  }
  [[nodiscard]] Digest sha256(ByteView bytes) const override { return crypto::Sha256::of(bytes); }
  [[nodiscard]] Result<Digest> digest(std::int64_t algorithm, ByteView bytes) const override {
    return crypto::Keys().digest(algorithm, bytes);
  }

 private:
  trust::draft::FakeRing of_records_;
  std::set<std::string> names_;
};

class NamesMaker final : public cose::RingMaker {
 public:
  [[nodiscard]] Result<std::unique_ptr<cose::KeyRing>> ring_of(std::span<const cose::NamedKey> keys) const override {
    return std::unique_ptr<cose::KeyRing>(std::make_unique<NamesRing>(keys));
  }
};

}  // namespace hg::fakes
