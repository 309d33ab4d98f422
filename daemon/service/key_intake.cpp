// SPDX-License-Identifier: Apache-2.0
#include "service/key_intake.hpp"

#include <algorithm>

namespace hg::service {

namespace asio = boost::asio;

asio::awaitable<Result<KeyIntake::Taken>> KeyIntake::take_in(core::Image image, ports::ImageFacts facts,
                                                             Digest plaintext) {
  if (!facts.version.empty()) image.version = facts.version;
  image.running_digest = facts.running_digest;
  if (facts.is_clear && safe_ != nullptr && facts.sealing)
    co_return co_await encrypt(std::move(image), std::move(*facts.sealing));
  const bool is_mcuboot_ciphertext = facts.encrypted && !image.encrypted;
  image.encrypted = image.encrypted || facts.encrypted;
  if (is_mcuboot_ciphertext) image.sealing = facts.sealing;
  // What a SUIT child reports is what it decrypted.
  if (image.running_digest.empty()) image.running_digest = plaintext;
  if (!image.encrypted || !image.sealing || safe_ == nullptr) co_return Taken{std::move(image), std::nullopt};
  const Digest signed_digest = is_mcuboot_ciphertext ? image.running_digest : plaintext;
  co_return co_await open(std::move(image), signed_digest);
}

/// Whoever could read the store, or a plugin, would read a clear image: only the ciphertext stays.
asio::awaitable<Result<KeyIntake::Taken>> KeyIntake::encrypt(core::Image image, core::Sealing sealing) {
  Result<UniqueFd> plain = blobs_.open(image.digest);
  if (!plain && plain.error().code == Errc::not_found)  // two deliverables have it, and the other one was faster
    co_return Error{Errc::unavailable, "the clear image was taken in with another deliverable: again later"};
  if (!plain) co_return plain.error();
  Result<ports::KeySafe::Encrypted> made =
      co_await safe_->encrypt_clear(std::move(*plain), image.size, sealing, image.running_digest);
  if (!made) co_return made.error().within("encrypt the clear image");
  const core::ContentKey key = made->key;
  const std::uint64_t size = made->size;
  const Result<void> kept = co_await keep_encrypted(image, sealing, std::move(*made));
  if (!kept) co_return kept.error().within("encrypt the clear image");
  const Digest clear = image.digest;
  image.digest = key.image;
  image.size = size;
  image.encrypted = true;
  image.sealing = std::move(sealing);
  if (!core::needs_blob(driver_.state(), clear))
    if (const Result<void> removed = blobs_.remove(clear); !removed)
      journal_.write(ports::Level::warning, {},
                     "a clear image stays in the store: " + clear.hex() + ": " + removed.error().message);
  journal_.write(ports::Level::info, {},
                 "image " + image.component + ": came clear, and is kept as ciphertext " + image.digest.hex());
  co_return Taken{std::move(image), key};
}

asio::awaitable<Result<void>> KeyIntake::keep_encrypted(core::Image plain, core::Sealing sealing,
                                                        ports::KeySafe::Encrypted made) {
  Result<std::unique_ptr<ports::Intake>> intake = blobs_.receive(made.key.image, made.size);
  if (!intake) co_return intake.error();
  Result<UniqueFd> source = blobs_.open(plain.digest);
  if (!source) co_return source.error();
  const Result<void> filled =
      co_await safe_->fill_encrypted(std::move(made.key), std::move(*source), plain.size, std::move(sealing), **intake);
  if (!filled) co_return filled.error();
  co_return co_await (*intake)->seal();
}

/// What this gateway cannot open may be for a child: that is no fault of the image.
asio::awaitable<Result<KeyIntake::Taken>> KeyIntake::open(core::Image image, Digest plaintext) {
  const auto held = driver_.state().content_keys.find(image.digest);
  const bool is_held = held != driver_.state().content_keys.end();
  Result<UniqueFd> blob = blobs_.open(image.digest);
  if (!blob) co_return blob.error();
  Result<core::ContentKey> key = Error{Errc::internal, "not tried"};
  if (is_held)
    key = co_await safe_->check_granted(held->second, std::move(*blob), image.size, *image.sealing, plaintext);
  else
    key = co_await safe_->open_wrapped(std::move(*blob), image.size, *image.sealing, image.digest, plaintext);
  if (key) co_return Taken{std::move(image), std::move(*key)};
  const Errc code = key.error().code;
  const bool is_for_another = code == Errc::unauthenticated || code == Errc::unsupported || code == Errc::not_found;
  if (is_held || !is_for_another) co_return key.error().within("content key");
  journal_.write(ports::Level::notice, {},
                 "image " + image.component + " " + image.digest.hex() +
                     ": its content key does not open here, so it can only be passed on to children for whom it was "
                     "sealed, unless a grant comes: " +
                     key.error().message);
  co_return Taken{std::move(image), std::nullopt};
}

const core::Image* KeyIntake::known_image(const Digest& sealed) const {
  for (const auto& [id, deliverable] : driver_.state().deliverables) {
    const auto found = std::ranges::find(deliverable.images, sealed, &core::Image::digest);
    if (found != deliverable.images.end()) return &*found;
  }
  return nullptr;
}

asio::awaitable<Result<core::ContentKey>> KeyIntake::take_grant(Bytes encrypted_key, Digest image) {
  Result<core::ContentKey> key = co_await safe_->open_granted(std::move(encrypted_key), image);
  if (!key) co_return key.error().within("the content key does not come out with this gateway's key");
  const core::Image* known = known_image(image);
  if (known == nullptr || !known->sealing || !blobs_.has(image)) co_return key;  // checked when the image comes
  const core::Image here = *known;
  Result<UniqueFd> blob = blobs_.open(image);
  if (!blob) co_return blob.error();
  Result<core::ContentKey> checked =
      co_await safe_->check_granted(std::move(*key), std::move(*blob), here.size, *here.sealing, here.running_digest);
  if (!checked) co_return checked.error().within("the key is not that of image " + image.hex());
  co_return checked;
}

}  // namespace hg::service
