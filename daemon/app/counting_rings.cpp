// SPDX-License-Identifier: Apache-2.0
#include "app/counting_rings.hpp"

#include <utility>

namespace hg::app {

namespace {

class CountingRing final : public cose::KeyRing {
 public:
  CountingRing(std::unique_ptr<cose::KeyRing> ring, ports::Counters& counters)
      : ring_(std::move(ring)), counters_(counters) {}

  [[nodiscard]] Result<std::string> verify(std::int64_t algorithm, ByteView key_id, ByteView to_be_signed,
                                           ByteView signature) const override {
    ++counters_.signatures_verified;
    return ring_->verify(algorithm, key_id, to_be_signed, signature);
  }
  [[nodiscard]] Result<std::string> verify_mac(std::int64_t algorithm, ByteView key_id, ByteView to_be_maced,
                                               ByteView tag) const override {
    return ring_->verify_mac(algorithm, key_id, to_be_maced, tag);
  }
  [[nodiscard]] Digest sha256(ByteView bytes) const override { return ring_->sha256(bytes); }
  [[nodiscard]] Result<Digest> digest(std::int64_t algorithm, ByteView bytes) const override {
    return ring_->digest(algorithm, bytes);
  }

 private:
  std::unique_ptr<cose::KeyRing> ring_;
  ports::Counters& counters_;
};

}  // namespace

Result<std::unique_ptr<cose::KeyRing>> CountingRings::ring_of(std::span<const cose::NamedKey> keys) const {
  auto ring = rings_.ring_of(keys);
  if (!ring) return ring.error();
  return std::unique_ptr<cose::KeyRing>(std::make_unique<CountingRing>(std::move(*ring), counters_));
}

}  // namespace hg::app
