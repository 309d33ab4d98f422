// SPDX-License-Identifier: Apache-2.0
// COSE_Encrypt (RFC 9052 §5) as SUIT and key grants use it (draft-ietf-suit-firmware-encryption): a content cipher with
// detached ciphertext and recipients that wrap its key by AES-KW (§8.5.2 of RFC 9053: -3, -4, -5) or ECDH-ES + AES-KW
// (-29, -30, -31). Reads it into slices, builds Enc_structure and the KDF context, and writes it. The ciphers
// themselves are for adapters/crypto/content_keys. Used by suit (parameter 19), trust (grants) and headgate-pack.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/cbor.hpp"

namespace hg::cose {

inline constexpr std::size_t kMaxRecipients = 256;

/// The ephemeral public key of a recipient (COSE_Key of type EC2 or OKP, uncompressed).
struct EphemeralKey {
  std::int64_t curve = 0;  ///< 1 P-256, 2 P-384, 3 P-521, 4 X25519
  ByteView x;
  ByteView y;  ///< empty for X25519
};

struct Recipient {
  std::int64_t algorithm = 0;             ///< -3, -4, -5, -29, -30, -31
  ByteView key_id;                        ///< empty: none given
  ByteView protected_header;              ///< the content of the bstr: empty for AES-KW
  std::optional<EphemeralKey> ephemeral;  ///< ECDH-ES only
  ByteView salt;                          ///< header -20; empty: none
  ByteView wrapped_key;
};

struct Encrypted {
  std::int64_t algorithm = 0;          ///< 1, 2, 3 AES-GCM; 24 ChaCha20/Poly1305; -65534, -65533, -65532 AES-CTR
  ByteView iv;                         ///< 12 bytes; 16 for AES-CTR
  ByteView protected_header;           ///< the content of the bstr; empty for AES-CTR (RFC 9459 §4)
  std::optional<ByteView> ciphertext;  ///< none: detached
  std::vector<Recipient> recipients;   ///< never empty
};

/// The tagged message (96) at `reader`. Refused: algorithms not in the tables above, AES-CTR with a protected header,
/// an AEAD whose algorithm is not protected, AES-KW with a protected header, compressed points, a header twice, "crit",
/// lengths of IV, wrapped key or coordinates that the algorithm does not have, no or more than kMaxRecipients
/// recipients, recipients of recipients.
Result<Encrypted> read_encrypted(cbor::Reader& reader);

/// Enc_structure ["Encrypt", protected, external_aad h''] (§5.3): the AAD of an AEAD.
Bytes additional_data(const Encrypted& message);

/// COSE_KDF_Context (RFC 9053 §5.2) with SuppPubInfo.other = "SUIT Payload Encryption" for one recipient of ECDH-ES.
Bytes kdf_context(const Recipient& recipient);

}  // namespace hg::cose
