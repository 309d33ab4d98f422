// SPDX-License-Identifier: Apache-2.0
// The wrapped content key of a MCUboot image (TLV 0x31 to 0x34): opens it with the key that it was made for, and makes
// the same bytes for another key, to be laid over. ENC_EC256 and the two ENC_X25519 are an ephemeral public key, a MAC,
// and the content key in AES-CTR, of whose size the first derived key is, too (docs/encrypted_images.md of mcu-tools/
// mcuboot, and its imgtool); ENC_KW is RFC 3394 under a shared key of the content key's size. Which bytes of the file
// they are is for images; whether the key is the right one, only the payload's digest shows (mcuboot_payload). Private
// keys are asked for key agreement alone, so that they may live in a TPM. Called by whoever keeps the content keys.
#pragma once

#include "adapters/crypto/content_keys.hpp"
#include "core/protection.hpp"

namespace hg::crypto {

/// The bytes of such a wrap for a content key of 128 or 256 bits. Errors: unsupported (a kind that is none of these
/// four, by name), invalid (another size of key).
Result<std::size_t> mcuboot_wrap_size(core::Wrap kind, unsigned key_bits);

/// The content key of 16 or 32 bytes. Errors: unsupported (no kind for this key: another curve, a shared key where a
/// pair is needed or the other way round, a shared key of another size, ENC_RSA2048), invalid (a wrap of a length that
/// the kind does not have), unauthenticated (wrapped for another key, or damaged), internal.
Result<ContentKey> open_mcuboot_wrap(core::Wrap kind, ByteView wrapped, const AgreementKey& key);
Result<ContentKey> open_mcuboot_wrap(core::Wrap kind, ByteView wrapped, const WrapKey& key);

/// Another one each time for a pair (the ephemeral key is fresh), the same one for a shared key. Errors: unsupported as
/// above, invalid (a content key that is not 16 or 32 bytes, a public key that nobody can agree with), internal.
Result<Bytes> make_mcuboot_wrap(core::Wrap kind, const ContentKey& content, const RecipientKey& key);
Result<Bytes> make_mcuboot_wrap(core::Wrap kind, const ContentKey& content, const WrapKey& key);

}  // namespace hg::crypto
