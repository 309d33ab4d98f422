// SPDX-License-Identifier: Apache-2.0
#include "pack/believing_ring.hpp"

#include "adapters/crypto/keys.hpp"
#include "cose/signed.hpp"
#include "pack/blocks.hpp"

namespace hg::pack {

namespace {

constexpr std::int64_t kEsp256 = -9;
constexpr std::size_t kEsp256Bytes = 64;

/// Says yes to everything, and remembers what it was asked.
class BelievingRing : public cose::KeyRing {
 public:
  explicit BelievingRing(std::vector<SeenSignature>& seen) : seen_(seen) {}

  Result<std::string> verify(std::int64_t algorithm, ByteView key_id, ByteView, ByteView) const override {
    return remember({algorithm, Bytes(key_id.begin(), key_id.end()), false});
  }
  Result<std::string> verify_mac(std::int64_t algorithm, ByteView key_id, ByteView, ByteView) const override {
    return remember({algorithm, Bytes(key_id.begin(), key_id.end()), true});
  }
  Digest sha256(ByteView bytes) const override { return hashes_.sha256(bytes); }
  Result<Digest> digest(std::int64_t algorithm, ByteView bytes) const override {
    return hashes_.digest(algorithm, bytes);
  }

 private:
  std::string remember(SeenSignature signature) const {
    seen_.push_back(std::move(signature));
    return "signature " + std::to_string(seen_.size());
  }

  std::vector<SeenSignature>& seen_;
  crypto::Keys hashes_;
};

/// Signs with zeros, so that an unsigned envelope has a block to be read by.
class Nobody : public cose::Signer {
 public:
  [[nodiscard]] std::int64_t algorithm() const override { return kEsp256; }
  [[nodiscard]] ByteView key_id() const override { return {}; }
  [[nodiscard]] Result<Bytes> sign(ByteView) const override { return Bytes(kEsp256Bytes); }
};

}  // namespace

Result<suit::Manifest> open_unverified(ByteView envelope, std::vector<SeenSignature>* seen) {
  const Result<Wrapper> wrapper = read_wrapper(envelope);
  if (!wrapper) return wrapper.error();
  std::vector<SeenSignature> found;
  const BelievingRing ring(found);
  if (!wrapper->blocks.empty()) {
    Result<suit::Manifest> manifest = suit::open(envelope, ring);
    if (seen != nullptr) *seen = std::move(found);
    return manifest;
  }
  const Result<Bytes> block = cose::write_sign1_detached(wrapper->digest, Nobody());
  if (!block) return block.error();
  const Result<Bytes> with_it = with_block(envelope, *block);
  if (!with_it) return with_it.error();
  return suit::open(*with_it, ring);
}

}  // namespace hg::pack
