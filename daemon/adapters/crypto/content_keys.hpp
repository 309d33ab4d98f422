// SPDX-License-Identifier: Apache-2.0
// Content keys, and the keys that open and close them for a recipient: AES key wrap (RFC 3394) with a shared key, and
// ECDH-ES with HKDF-SHA-256 and AES key wrap (RFC 9053 §6.4) with a key pair. Each kind is a type of its own, so that
// none is taken for another. The messages are for cose/encrypted, the content for content_cipher. Called by
// headgate-pack, and by whoever holds a device's key (the gateway's grants, tests).
#pragma once

#include <string>
#include <string_view>

#include "adapters/crypto/openssl.hpp"
#include "base/digest.hpp"
#include "base/secret.hpp"
#include "cose/encrypted.hpp"

namespace hg::crypto {

inline constexpr std::int64_t kEcdhA128Kw = -29;  ///< COSE's ECDH-ES + A128KW

/// The key of one content. Wiped when it goes.
class ContentKey {
 public:
  explicit ContentKey(Secret bytes) : bytes_(std::move(bytes)) {}

  /// A random one for a content cipher. Errors: unsupported.
  static Result<ContentKey> generate(std::int64_t algorithm);

  [[nodiscard]] ByteView bytes() const { return bytes_.view(); }

 private:
  Secret bytes_;
};

/// A key encryption key that both sides share.
class WrapKey {
 public:
  /// 16, 24 or 32 bytes, which is what binds it to A128KW, A192KW or A256KW. `name` is its kid. Errors: invalid.
  static Result<WrapKey> from_bytes(std::string name, ByteView secret);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] ByteView bytes() const { return secret_.view(); }
  [[nodiscard]] bool is_meant_by(ByteView key_id) const;

 private:
  WrapKey(std::string name, Secret secret) : name_(std::move(name)), secret_(std::move(secret)) {}

  std::string name_;
  Secret secret_;
};

/// The private key of a recipient: P-256, P-384, P-521 or X25519.
class AgreementKey {
 public:
  /// A path or a URI (key_store.hpp); the text of a PEM file. Refused by name: keys that cannot agree, and what
  /// load_private_key() refuses. `name` is a kid by which the key is known beside its key id.
  static Result<AgreementKey> load(const std::string& uri, std::string name = {});
  static Result<AgreementKey> from_pem(std::string_view pem, std::string name = {});

  [[nodiscard]] cose::Curve curve() const { return curve_; }
  [[nodiscard]] const Digest& key_id() const { return key_id_; }  ///< SHA-256 of the SubjectPublicKeyInfo
  [[nodiscard]] const Bytes& cose_key() const { return cose_key_; }
  [[nodiscard]] bool is_meant_by(ByteView key_id) const;
  [[nodiscard]] EVP_PKEY* key() const { return key_.get(); }

 private:
  AgreementKey() = default;
  static Result<AgreementKey> from(Owned<EVP_PKEY> key, std::string name);

  std::string name_;
  cose::Curve curve_ = cose::Curve::none;
  Digest key_id_;
  Bytes cose_key_;
  Owned<EVP_PKEY> key_;
};

/// The public key of a recipient, as its kid names it.
class RecipientKey {
 public:
  /// `key_id` empty: the SHA-256 of the SubjectPublicKeyInfo. Refused by name: keys that cannot agree, COSE_Keys whose
  /// "alg" is another than -29, and what key_from_pem(), key_from_spki() and cose::read_key() refuse.
  static Result<RecipientKey> from_pem(std::string_view pem, Bytes key_id = {});
  static Result<RecipientKey> from_spki(ByteView der, Bytes key_id = {});
  static Result<RecipientKey> from_cose_key(ByteView cose_key, Bytes key_id = {});

  [[nodiscard]] cose::Curve curve() const { return curve_; }
  [[nodiscard]] ByteView key_id() const { return key_id_; }
  [[nodiscard]] EVP_PKEY* key() const { return key_.get(); }

 private:
  RecipientKey() = default;
  static Result<RecipientKey> from(Owned<EVP_PKEY> key, Bytes key_id);

  cose::Curve curve_ = cose::Curve::none;
  Bytes key_id_;
  Owned<EVP_PKEY> key_;
};

/// The content key of a message, by the recipient whose kid means `key`, or by each that fits it if none does.
/// `other` is SuppPubInfo.other (RFC 9053 §5.2). Errors: not_found (no recipient fits the key's type and size), invalid
/// (an ephemeral key off its curve), unauthenticated (the wrapped key is not for this key).
Result<ContentKey> unwrap(const cose::Encrypted& message, const WrapKey& key);
Result<ContentKey> unwrap(const cose::Encrypted& message, const AgreementKey& key,
                          std::string_view other = cose::kSuitKdfInfo);

/// One COSE_recipient for cose::write_encrypted(): AES-KW of the key's size; ECDH-ES with an ephemeral key of its own
/// and the AES-KW that `algorithm` says (-29 A128KW, -31 A256KW). Errors: internal.
Result<Bytes> wrap(const ContentKey& content, const WrapKey& key);
Result<Bytes> wrap(const ContentKey& content, const RecipientKey& key, std::string_view other = cose::kSuitKdfInfo,
                   std::int64_t algorithm = kEcdhA128Kw);

}  // namespace hg::crypto
