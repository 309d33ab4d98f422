// SPDX-License-Identifier: Apache-2.0
// The payload of a MCUboot image under its content key, read piece by piece: whether the key is the right one, and the
// encryption of an image that came plain (imgtool --clear). Header and TLVs stay as they are. Where the parts of the
// file are is for images::read_structure(). Called on pool threads by whoever keeps the content keys.
#pragma once

#include "adapters/crypto/content_cipher.hpp"
#include "adapters/crypto/content_keys.hpp"
#include "images/mcuboot.hpp"

namespace hg::crypto {

/// The digest of header, decrypted payload and protected TLVs, as long as that of the image's SHA TLV: equal to it if
/// and only if `key` encrypted the payload. Reads what it covers once. Errors: invalid (the image is not encrypted, or
/// with keys of another size), those of the source, internal.
Result<Digest> digest_decrypted(const images::Source& file, const images::McubootImage& image, const ContentKey& key);

/// The whole file, in turn, to `sink`: the payload encrypted, everything else as it stands. The wrapped key in it is
/// still the vendor's and opens nothing; it is for an overlay to replace. Errors: as above, and those of the sink.
Result<void> encrypt_payload(const images::Source& file, const images::McubootImage& image, const ContentKey& key,
                             const Sink& sink);

}  // namespace hg::crypto
