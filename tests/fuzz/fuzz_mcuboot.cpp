// SPDX-License-Identifier: Apache-2.0
// MCUboot images of any bytes, with a hash that is always right, so that all of the reader is reached.
#include "images/mcuboot.hpp"

namespace {

/// The digest of anything: as many zero bytes as asked for.
class ZeroHash {
 public:
  explicit ZeroHash(std::size_t digest_bytes) : bytes_(digest_bytes) {}
  void update(hg::ByteView) {}
  [[nodiscard]] hg::Digest finish() const { return *hg::Digest::from_bytes(bytes_); }

 private:
  hg::Bytes bytes_;
};

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const hg::images::HashingWith<ZeroHash> hashing;
  const auto image = hg::images::inspect(hg::images::MemorySource(hg::ByteView(data, size)), hashing);
  if (image) (void)image->version.text();
  return 0;
}
