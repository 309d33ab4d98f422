// SPDX-License-Identifier: Apache-2.0
// The ways in of content keys: out of an image that is wrapped for this gateway, or with a grant; and the key that a
// --clear image is encrypted under here, before anybody can ask for it. What is opened is shown to be right against the
// image, once. Decides nothing about who may have an image: core does. Called by admission (images) and trust_records
// (grants).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>

#include "ports/blobs.hpp"
#include "ports/inspector.hpp"
#include "ports/journal.hpp"
#include "ports/key_safe.hpp"
#include "service/driver.hpp"

namespace hg::service {

class KeyIntake {
 public:
  /// `safe`: null if this gateway has no key of its own; then nothing is opened and nothing encrypted.
  KeyIntake(Driver& driver, ports::Blobs& blobs, ports::Journal& journal, ports::KeySafe* safe)
      : driver_(driver), blobs_(blobs), journal_(journal), safe_(safe) {}

  /// An image as core is to know it, with the key that was found for it.
  struct Taken {
    core::Image image;
    std::optional<core::ContentKey> key;
  };

  /// `image` is sealed and was inspected. A --clear image is encrypted, and `image.digest` is then that of the
  /// ciphertext; an encrypted one is opened, if it is for this gateway. `plaintext`: signed digest of what a SUIT
  /// ciphertext decrypts to; empty for MCUboot images, which name it themselves. Errc::mismatch: the key opens and the
  /// payload is not what was signed; Errc::no_space, Errc::io.
  [[nodiscard]] boost::asio::awaitable<Result<Taken>> take_in(core::Image image, ports::ImageFacts facts,
                                                              Digest plaintext);

  [[nodiscard]] bool has_gateway_key() const { return safe_ != nullptr; }
  [[nodiscard]] Digest gateway() const { return safe_->gateway(); }

  /// The key of a grant, checked against its image if that is here already. Errc::unauthenticated: it does not come out
  /// with this gateway's key; Errc::mismatch: it is not the key of the image.
  [[nodiscard]] boost::asio::awaitable<Result<core::ContentKey>> take_grant(Bytes encrypted_key, Digest image);

 private:
  boost::asio::awaitable<Result<Taken>> encrypt(core::Image image, core::Sealing sealing);
  boost::asio::awaitable<Result<void>> keep_encrypted(core::Image plain, core::Sealing sealing,
                                                      ports::KeySafe::Encrypted made);
  boost::asio::awaitable<Result<Taken>> open(core::Image image, Digest plaintext);
  [[nodiscard]] const core::Image* known_image(const Digest& sealed) const;

  Driver& driver_;
  ports::Blobs& blobs_;
  ports::Journal& journal_;
  ports::KeySafe* safe_;
};

}  // namespace hg::service
