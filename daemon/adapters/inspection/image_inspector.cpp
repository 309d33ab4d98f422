// SPDX-License-Identifier: Apache-2.0
#include "adapters/inspection/image_inspector.hpp"

#include <array>
#include <memory>

#include "adapters/crypto/hashes.hpp"
#include "adapters/on_pool.hpp"
#include "images/mcuboot.hpp"

namespace hg::inspection {

namespace {

Result<ports::ImageFacts> look_into(int descriptor, std::uint64_t size) {
  const images::FileSource source(descriptor, size);
  std::array<std::uint8_t, 4> first{};
  if (size < first.size()) return ports::ImageFacts{};
  if (const Result<void> read = source.read_at(0, first); !read) return read.error();
  if (!images::looks_like_mcuboot(first)) return ports::ImageFacts{};
  const images::HashingWith<crypto::Sha2> hashes;
  const Result<images::McubootImage> image = images::inspect(source, hashes);
  if (!image) return image.error();
  if (image->padded)
    return Error{Errc::unsupported, "MCUboot image with a slot trailer (imgtool --pad): not for children that swap"};
  // Flagged encrypted but plain (--clear) is still plain on the wire.
  return ports::ImageFacts{image->version.text(), image->digest, image->is_ciphertext()};
}

}  // namespace

boost::asio::awaitable<Result<ports::ImageFacts>> ImageInspector::inspect(UniqueFd image, std::uint64_t size) {
  const auto shared = std::make_shared<UniqueFd>(std::move(image));
  const auto work = [shared, size] { return look_into(shared->get(), size); };
  co_return co_await adapters::on_pool(thread_, work);
}

}  // namespace hg::inspection
