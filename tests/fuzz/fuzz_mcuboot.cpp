// SPDX-License-Identifier: Apache-2.0
// MCUboot images of any bytes, with a hash that is always zero, so that the fuzzer can write one that is right. What is
// said of an image that was taken must be true of its bytes, above all where the content key stands: it will be laid
// over.
#include <algorithm>
#include <cstdlib>

#include "images/mcuboot.hpp"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

/// The digest of anything: as many zero bytes as asked for.
class ZeroHash {
 public:
  explicit ZeroHash(std::size_t digest_bytes) : bytes_(digest_bytes) {}
  void update(hg::ByteView) {}
  [[nodiscard]] hg::Digest finish() const { return *hg::Digest::from_bytes(bytes_); }

 private:
  hg::Bytes bytes_;
};

void check(const hg::images::McubootImage& image, hg::ByteView input) {
  const std::uint64_t tlvs = std::uint64_t{image.header_size} + image.payload_size;
  must(tlvs == image.payload_end() && image.covered_end() == tlvs + image.protected_size);
  must(image.covered_end() <= input.size());
  must(image.encrypted == image.cipher.has_value() && image.encrypted == image.content_key.has_value());
  must(image.payload_is_plain || image.encrypted);
  must(image.payload_is_plain == std::ranges::all_of(image.digest.bytes(), [](auto byte) { return byte == 0; }));
  if (!image.content_key) return;
  const hg::images::ContentKey& key = *image.content_key;
  must(key.offset >= image.covered_end() + 8 && key.offset <= input.size() && key.size <= input.size() - key.offset);
  const hg::ByteView head = input.subspan(key.offset - 4, 4);
  must(head[0] == 0x30 + static_cast<std::uint8_t>(key.wrap) && head[1] == 0);
  must(head[2] + 256U * head[3] == key.size);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const hg::images::HashingWith<ZeroHash> hashing;
  const hg::ByteView input(data, size);
  auto image = hg::images::inspect(hg::images::MemorySource(input), hashing);
  const auto structure = hg::images::read_structure(hg::images::MemorySource(input));
  must(structure || !image);
  if (!image) return 0;
  (void)image->version.text();
  check(*image, input);
  image->payload_is_plain = false;
  must(*structure == *image);
  return 0;
}
