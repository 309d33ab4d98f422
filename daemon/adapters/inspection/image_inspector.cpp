// SPDX-License-Identifier: Apache-2.0
#include "adapters/inspection/image_inspector.hpp"

#include <array>
#include <memory>

#include "adapters/crypto/hashes.hpp"
#include "adapters/on_pool.hpp"
#include "images/mcuboot.hpp"

namespace hg::inspection {

namespace {

constexpr unsigned kAes128Bits = 128;
constexpr unsigned kAes256Bits = 256;

core::Wrap wrap_of(images::KeyWrap wrap) {
  switch (wrap) {
    case images::KeyWrap::rsa2048_oaep:
      return core::Wrap::rsa2048;
    case images::KeyWrap::aes_kw:
      return core::Wrap::aes_kw;
    case images::KeyWrap::ecies_p256:
      return core::Wrap::ec256;
    case images::KeyWrap::ecies_x25519:
      return core::Wrap::x25519;
    case images::KeyWrap::ecies_x25519_sha512:
      return core::Wrap::x25519_sha512;
  }
  return core::Wrap::unknown;
}

std::optional<core::Sealing> sealing_of(const images::McubootImage& image) {
  if (!image.cipher || !image.content_key) return std::nullopt;
  const unsigned bits = image.cipher == images::ContentCipher::aes128_ctr ? kAes128Bits : kAes256Bits;
  const images::ContentKey& key = *image.content_key;
  return core::Sealing{wrap_of(key.wrap), bits, key.offset, static_cast<std::uint32_t>(key.size)};
}

Result<ports::ImageFacts> look_into(int descriptor, std::uint64_t size, ports::Counters& counters) {
  const images::FileSource source(descriptor, size);
  std::array<std::uint8_t, 4> first{};
  if (size < first.size()) return ports::ImageFacts{};
  if (const Result<void> read = source.read_at(0, first); !read) return read.error();
  if (!images::looks_like_mcuboot(first)) return ports::ImageFacts{};
  const images::HashingWith<crypto::Sha2> hashes;
  ++counters.images_hashed;
  const Result<images::McubootImage> image = images::inspect(source, hashes);
  if (!image) return image.error();
  if (image->padded)
    return Error{Errc::unsupported, "MCUboot image with a slot trailer (imgtool --pad): not for children that swap"};
  return ports::ImageFacts{image->version.text(), image->digest, image->is_ciphertext(),
                           image->encrypted && image->payload_is_plain, sealing_of(*image)};
}

}  // namespace

boost::asio::awaitable<Result<ports::ImageFacts>> ImageInspector::inspect(UniqueFd image, std::uint64_t size) {
  const auto shared = std::make_shared<UniqueFd>(std::move(image));
  const auto work = [shared, size, &counters = counters_] { return look_into(shared->get(), size, counters); };
  co_return co_await adapters::on_pool(thread_, work);
}

}  // namespace hg::inspection
