// SPDX-License-Identifier: Apache-2.0
// COSE_Encrypt (RFC 9052 §5) as SUIT and key grants use it (draft-ietf-suit-firmware-encryption): a content cipher and
// recipients that wrap its key by AES-KW (RFC 9053 §6.2.1: -3, -4, -5) or ECDH-ES + AES-KW (§6.4: -29, -30, -31). Reads
// it into slices, builds Enc_structure and the KDF context, and writes it. The ciphers themselves are for
// adapters/crypto/content_keys. Used by suit (parameter 19), trust (grants) and headgate-pack.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/cbor.hpp"
#include "cose/key.hpp"

namespace hg::cose {

inline constexpr std::size_t kMaxRecipients = 256;

/// Slices of the message.
struct Recipient {
  std::int64_t algorithm = 0;          ///< -3, -4, -5, -29, -30, -31
  ByteView key_id;                     ///< empty: none given
  ByteView protected_header;           ///< the content of the bstr: empty for AES-KW
  std::optional<PublicKey> ephemeral;  ///< ECDH-ES only: of a curve that can agree; it may be off that curve
  ByteView salt;                       ///< header -20, ECDH-ES only; empty: none
  ByteView wrapped_key;                ///< 8 bytes longer than the content key
};

/// Slices of the message, which the input must outlive.
struct Encrypted {
  std::int64_t algorithm = 0;          ///< 1, 2, 3 AES-GCM; 24 ChaCha20/Poly1305; -65534, -65533, -65532 AES-CTR
  ByteView iv;                         ///< 12 bytes; 16 for AES-CTR: the first counter block
  ByteView protected_header;           ///< the content of the bstr; empty for AES-CTR (RFC 9459 §4)
  std::optional<ByteView> ciphertext;  ///< none: detached
  std::vector<Recipient> recipients;   ///< never empty
  bool is_iv_protected = false;        ///< the IV stands in the protected header
};

/// The tagged message (96) at `reader`. Refused: algorithms not in the tables above, AES-CTR with a protected header,
/// an AEAD or ECDH-ES whose algorithm is not protected, AES-KW with a protected header, compressed points, a header
/// twice, "crit", lengths of IV, wrapped key or coordinates that the algorithm does not have, no or more than
/// kMaxRecipients recipients, recipients of recipients, names and nonces of parties (-21 to -26).
Result<Encrypted> read_encrypted(cbor::Reader& reader);

/// Enc_structure ["Encrypt", protected, external_aad h''] (§5.3): the AAD of an AEAD.
Bytes additional_data(const Encrypted& message);

/// SuppPubInfo.other of SUIT (draft-ietf-suit-firmware-encryption §6.2.4).
inline constexpr std::string_view kSuitKdfInfo = "SUIT Payload Encryption";

/// COSE_KDF_Context (RFC 9053 §5.2) for one recipient of ECDH-ES. `other` is SuppPubInfo.other; empty: not there.
Bytes kdf_context(const Recipient& recipient, std::string_view other = kSuitKdfInfo);

/// The content of the protected header that a writer gives a recipient of this algorithm: empty for AES-KW, which
/// authenticates none, else the algorithm.
Bytes recipient_header(std::int64_t algorithm);

/// One COSE_recipient (§5.1), as write_encrypted() takes it. `recipient` has the protected header that
/// recipient_header() gives.
Bytes write_recipient(const Recipient& recipient);

/// A COSE_Encrypt with detached ciphertext, which read_encrypted() accepts if `iv` has the algorithm's length.
/// `recipients` are of write_recipient().
Bytes write_encrypted(std::int64_t algorithm, ByteView iv, std::span<const Bytes> recipients);

/// The same content for others: algorithm, IV and the very protected header of `message`, so that its additional_data()
/// stays what it is. Other unprotected headers are left out.
Bytes write_encrypted_like(const Encrypted& message, std::span<const Bytes> recipients);

}  // namespace hg::cose
