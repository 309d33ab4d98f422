// SPDX-License-Identifier: Apache-2.0
// The child's own decryption key (smp.md 5): opens the content key that an image brings along, wrapped for this child,
// and applies it to the payload. Used by the bootloader.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "bytes.hpp"
#include "image_file.hpp"

struct evp_pkey_st;

namespace smp_child {

class ImageKey {
 public:
  /// A private key in PEM (P-256 for ENC_EC256, X25519 for ENC_X25519), or 16 or 32 raw bytes for ENC_KW.
  /// Throws if the file has none of these.
  static ImageKey load(const std::filesystem::path& file);

  /// The AES key of the payload, 16 or 32 bytes; nothing if it is wrapped for another.
  [[nodiscard]] std::optional<Bytes> open(const WrappedKey& wrapped) const;

 private:
  [[nodiscard]] std::optional<Bytes> open_ecies(ByteView value, std::size_t public_size) const;
  [[nodiscard]] std::optional<Bytes> shared_secret(ByteView public_key) const;

  std::shared_ptr<evp_pkey_st> pair_;  // none: raw_
  Bytes raw_;
};

/// Encrypts or decrypts `payload` in place (AES-CTR, counter from 0).
void apply_content_key(std::span<std::uint8_t> payload, ByteView key);

}  // namespace smp_child
