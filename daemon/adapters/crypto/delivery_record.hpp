// SPDX-License-Identifier: Apache-2.0
// What a SUIT child gets beside the shared ciphertext: the content key wrapped for it alone, as a COSE_Encrypt with one
// recipient (draft-ietf-suit-firmware-encryption §6; some readers look at the first recipient only). How the content
// was encrypted stays what the author signed, byte for byte. Called by whoever keeps the content keys.
#pragma once

#include "adapters/crypto/content_keys.hpp"

namespace hg::crypto {

/// `info` is the SUIT_Encryption_Info, read. ES-DH + A128KW for a pair, AES-KW of the key's size for a shared key. Not
/// longer than core::kMaxRecordBytes. Errors: invalid (a content key of another size than the algorithm's), too_large,
/// internal.
Result<Bytes> make_delivery_record(const cose::Encrypted& info, const ContentKey& content, const RecipientKey& key);
Result<Bytes> make_delivery_record(const cose::Encrypted& info, const ContentKey& content, const WrapKey& key);

}  // namespace hg::crypto
