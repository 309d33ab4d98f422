// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/mcuboot_payload.hpp"

#include <algorithm>

#include "adapters/crypto/ctr_stream.hpp"
#include "adapters/crypto/hashes.hpp"

namespace hg::crypto {
namespace {

using images::ContentCipher;
using images::McubootImage;
using images::Source;

constexpr std::size_t kPiece = 64 * 1024;

Result<CtrStream> stream_for(const McubootImage& image, const ContentKey& key) {
  if (!image.cipher) return Error{Errc::invalid, "a MCUboot image that is not for encryption"};
  const std::size_t wanted = image.cipher == ContentCipher::aes128_ctr ? 16 : 32;
  if (key.bytes().size() == wanted) return CtrStream::start(key.bytes());
  return Error{Errc::invalid, "a content key of " + std::to_string(key.bytes().size()) + " bytes, the image has " +
                                  std::to_string(wanted)};
}

/// Where plaintext passes through: wiped, but not in locked memory as a Secret would be, which is for keys and small.
class Passage {
 public:
  explicit Passage(std::size_t size) : bytes_(size) {}
  Passage(const Passage&) = delete;
  Passage& operator=(const Passage&) = delete;
  ~Passage() { wipe(bytes_); }

  [[nodiscard]] std::span<std::uint8_t> first(std::uint64_t most) {
    return std::span(bytes_).first(static_cast<std::size_t>(std::min<std::uint64_t>(most, bytes_.size())));
  }

 private:
  Bytes bytes_;
};

/// Gives the file up to `end` to `sink` in pieces, with the stream applied to the payload alone.
Result<void> transform(const Source& file, const McubootImage& image, const ContentKey& key, std::uint64_t end,
                       const Sink& sink) {
  auto stream = stream_for(image, key);
  if (!stream) return stream.error();
  if (image.covered_end() > file.size()) return Error{Errc::invalid, "the image is cut off"};
  Passage passage(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, end)));
  for (std::uint64_t at = 0; at < end;) {
    // A piece is inside the payload, or outside.
    const bool is_payload = at >= image.header_size && at < image.payload_end();
    const std::uint64_t part_end = is_payload ? image.payload_end() : at < image.header_size ? image.header_size : end;
    const std::span<std::uint8_t> piece = passage.first(std::min(part_end, end) - at);
    if (auto read = file.read_at(at, piece); !read) return read;
    if (is_payload) {
      if (auto applied = stream->apply(piece); !applied) return applied;
    }
    if (auto taken = sink(piece); !taken) return taken;
    at += piece.size();
  }
  return {};
}

}  // namespace

Result<Digest> digest_decrypted(const Source& file, const McubootImage& image, const ContentKey& key) {
  Sha2 hash(image.digest.bytes().size());
  const Sink sink = [&hash](ByteView piece) -> Result<void> {
    hash.update(piece);
    return {};
  };
  if (auto done = transform(file, image, key, image.covered_end(), sink); !done) return done.error();
  return hash.finish();
}

Result<void> encrypt_payload(const Source& file, const McubootImage& image, const ContentKey& key, const Sink& sink) {
  return transform(file, image, key, file.size(), sink);
}

}  // namespace hg::crypto
