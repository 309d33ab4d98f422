// SPDX-License-Identifier: Apache-2.0
#include "pack/random.hpp"

#include <openssl/rand.h>

namespace hg::pack {

Result<Bytes> random_bytes(std::size_t count) {
  Bytes bytes(count);
  if (RAND_bytes(bytes.data(), static_cast<int>(count)) != 1)
    return Error{Errc::internal, "OpenSSL has no random bytes"};
  return bytes;
}

}  // namespace hg::pack
