// SPDX-License-Identifier: Apache-2.0
// AES in counter mode from counter 0 on, as MCUboot hides payloads and content keys with it: the same bytes encrypt and
// decrypt. It proves nothing. Private to mcuboot_wraps and mcuboot_payload.
#pragma once

#include <span>

#include "adapters/crypto/openssl.hpp"
#include "base/bytes.hpp"

namespace hg::crypto {

class CtrStream {
 public:
  /// 16 or 32 bytes. Errors: invalid (another size), internal.
  static Result<CtrStream> start(ByteView key);

  /// The next bytes of the stream, in place. Errors: internal.
  Result<void> apply(std::span<std::uint8_t> bytes);

 private:
  explicit CtrStream(Owned<EVP_CIPHER_CTX> context) : context_(std::move(context)) {}

  Owned<EVP_CIPHER_CTX> context_;
};

}  // namespace hg::crypto
