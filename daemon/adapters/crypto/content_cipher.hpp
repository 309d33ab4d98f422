// SPDX-License-Identifier: Apache-2.0
// The content of a COSE_Encrypt: AES-GCM, ChaCha20/Poly1305 (a tag of 16 bytes follows the ciphertext) and AES-CTR
// (RFC 9459: no tag, the IV is the first counter block). Encrypts piece by piece, decrypts at once. The key is for
// content_keys. AES-CTR proves nothing: whoever decrypts it checks a signed digest of the plaintext.
#pragma once

#include <functional>

#include "adapters/crypto/content_keys.hpp"
#include "images/source.hpp"

namespace hg::crypto {

inline constexpr std::size_t kMaxContentBytes = 64 * 1024 * 1024;  ///< of one decrypt()

/// Takes the next bytes of the ciphertext; its error ends the encryption and is passed on.
using Sink = std::function<Result<void>(ByteView)>;

/// One key and IV encrypt one content: never start twice with both the same.
class Encryptor {
 public:
  /// `message` is what cose::write_encrypted() wrote, read again; its IV and headers are used, its recipients not.
  /// Errors: invalid (a key of another size than the algorithm's), internal.
  static Result<Encryptor> start(const cose::Encrypted& message, const ContentKey& key);

  /// Plaintext of any size, in turn. Errors: those of the sink, internal.
  Result<void> update(ByteView plaintext, const Sink& sink);

  /// Gives the tag to the sink, if the algorithm has one. Called once, last.
  Result<void> finish(const Sink& sink);

 private:
  Encryptor(Owned<EVP_CIPHER_CTX> context, std::size_t tag_size) : context_(std::move(context)), tag_size_(tag_size) {}

  Owned<EVP_CIPHER_CTX> context_;
  std::size_t tag_size_;
};

/// The plaintext; for the AEADs only after the tag was found good. Errors: too_large, invalid (the key's size),
/// unauthenticated (the tag; or no room for one).
Result<Bytes> decrypt(const cose::Encrypted& message, const ContentKey& key, ByteView ciphertext);

/// SHA-256 of the plaintext of a file of any size, read once, piece by piece; for the AEADs only after the tag was
/// found good. Errors: as decrypt(), those of the source.
Result<Digest> digest_decrypted(const cose::Encrypted& message, const ContentKey& key,
                                const images::Source& ciphertext);

}  // namespace hg::crypto
