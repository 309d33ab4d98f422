// SPDX-License-Identifier: Apache-2.0
// Where keys are in the clear, and nowhere else: this gateway's own key, the store key under which content keys and
// children's secrets are sealed, and whatever comes out of them for a moment. Callers hand in and get back sealed
// values (core/protection.hpp). adapters/crypto keeps it; service/admission, service/trust_records, service/deliver,
// service/control and service/link_keys call it. A gateway without a key of its own has none (null): then it takes no
// keys at all, and passes on what vendors sealed for its children.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/unique_fd.hpp"
#include "core/protection.hpp"
#include "core/step.hpp"
#include "ports/blobs.hpp"

namespace hg::ports {

/// What a child shows when it identifies itself (docs/child-protocol.md).
struct KitEvidence {
  std::string identity;
  Bytes nonce;  ///< the child's
};

class KeySafe {
 public:
  virtual ~KeySafe() = default;

  /// SHA-256 of the SubjectPublicKeyInfo of this gateway's key: what grants name the gateway by.
  [[nodiscard]] virtual Digest gateway() const = 0;

  // -------------------------------------------------------------------------------------------------- content keys

  /// Opens the content key that stands in the image (MCUboot) or in `sealing.info` (COSE), and shows that it is right:
  /// what it decrypts the payload to has `plaintext` as its digest (MCUboot: the SHA TLV; COSE: SHA-256 of the plain
  /// payload; empty for COSE: not known, then it is the digest of the ciphertext). Reads the image once, off the loop.
  /// Errc::unauthenticated: it is wrapped for another key, or damaged; Errc::unsupported: a kind of wrap that this
  /// gateway's key cannot open; Errc::mismatch: it opens, and the payload is not what was signed.
  [[nodiscard]] virtual boost::asio::awaitable<Result<core::ContentKey>> open_wrapped(
      UniqueFd image, std::uint64_t size, core::Sealing sealing, Digest sealed, Digest plaintext) = 0;

  /// The content key in a grant's COSE_Encrypt, for the image `sealed`. Off the loop, as all that asks this gateway's
  /// private key: a TPM takes its time. Errors as open_wrapped(), without the check.
  [[nodiscard]] virtual boost::asio::awaitable<Result<core::ContentKey>> open_granted(Bytes encrypted_key,
                                                                                      Digest sealed) = 0;

  /// Shows that a granted key is the right one, as open_wrapped() does; the key with its plaintext's digest.
  [[nodiscard]] virtual boost::asio::awaitable<Result<core::ContentKey>> check_granted(
      core::ContentKey key, UniqueFd image, std::uint64_t size, core::Sealing sealing, Digest plaintext) = 0;

  /// A --clear MCUboot image under a fresh content key.
  struct Encrypted {
    core::ContentKey key;  ///< its `image` is the digest of the ciphertext file
    std::uint64_t size = 0;
  };
  /// Chooses the key and computes the digest of the file; fill_encrypted() then writes the same bytes. Off the loop.
  [[nodiscard]] virtual boost::asio::awaitable<Result<Encrypted>> encrypt_clear(UniqueFd image, std::uint64_t size,
                                                                                core::Sealing sealing,
                                                                                Digest plaintext) = 0;
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> fill_encrypted(core::ContentKey key, UniqueFd image,
                                                                            std::uint64_t size, core::Sealing sealing,
                                                                            Intake& into) = 0;

  /// Wraps the content key for the child's key: the patches over the sealed bytes, or the delivery record, and the
  /// digest of the file as it leaves. The body of an image is read once in the life of this object (a digest's
  /// midstate is kept), then only what follows the first patch. `image` is the sealed blob. Errc::invalid: the place of
  /// the wrap is not within the file, or has another size than this wrap; Errc::unsupported: the child's key cannot
  /// take this kind of wrap; Errc::unauthenticated: the key was sealed under another store key, or was tampered with.
  [[nodiscard]] virtual boost::asio::awaitable<Result<core::View>> wrap_for_child(core::ChildId child,
                                                                                  core::Prepare order,
                                                                                  UniqueFd image) = 0;

  /// Whether it was sealed under the store key that is in force.
  [[nodiscard]] virtual bool is_sealed_here(const core::ContentKey& key) const = 0;
  [[nodiscard]] virtual bool is_sealed_here(const core::ChildId& child, const core::ChildKey& secret) const = 0;

  // ---------------------------------------------------------------------------------------------- keys of children

  /// A child's key from what an operator or a list brings: PEM of a public key or certificate, or the raw bytes of a
  /// secret (or their hexadecimal text). The kind is told by use and form. A PSK without a name is called as the child
  /// is. `since` and `set_by` are the caller's to fill. The caller wipes `material`. Errc::invalid, Errc::unsupported:
  /// what it is, and what is wanted.
  [[nodiscard]] virtual Result<core::ChildKey> take_child_key(const core::ChildId& child, core::KeyUse use,
                                                              std::string name, ByteView material) = 0;

  /// The same from a signed list: the public half (SubjectPublicKeyInfo or certificate) in DER, or a secret that is
  /// wrapped for this gateway in a COSE_Encrypt (tag 96). One of the two is empty. Errc::unauthenticated beside the
  /// others: it is wrapped for another key. Off the loop.
  [[nodiscard]] virtual boost::asio::awaitable<Result<core::ChildKey>> take_listed_key(
      core::ChildId child, core::KeyUse use, std::string name, Bytes public_half, Bytes wrapped_secret) = 0;

  /// The PSK or the passkey of a child's link, in the clear, for the plugin that ends the link with it: the only secret
  /// that leaves the safe. Errc::unsupported: the key is for another use, or neither; Errc::unauthenticated: it was
  /// sealed under another store key or for another child, or tampered with; Errc::internal: there is no locked memory
  /// for it.
  [[nodiscard]] virtual Result<Secret> reveal_link_key(const core::ChildId& child, const core::ChildKey& key) const = 0;

  // ------------------------------------------------------------------------------------------------- who is there

  /// 32 random bytes.
  [[nodiscard]] virtual Result<Bytes> nonce() = 0;
  /// What a child answered to `nonce`. Errc::unauthenticated: not by this key, or not over this nonce.
  [[nodiscard]] virtual Result<KitEvidence> check_evidence(const core::ChildId& child, const core::ChildKey& key,
                                                           ByteView nonce, ByteView evidence) = 0;
  /// The body of `prove`, over both nonces. With a shared key by that, else by this gateway's own key. Off the
  /// loop.
  [[nodiscard]] virtual boost::asio::awaitable<Result<Bytes>> proof(core::ChildId child, core::ChildKey key,
                                                                    Bytes nonce, KitEvidence evidence) = 0;
};

}  // namespace hg::ports
