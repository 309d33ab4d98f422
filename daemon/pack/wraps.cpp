// SPDX-License-Identifier: Apache-2.0
#include "pack/wraps.hpp"

#include "pack/files.hpp"
#include "pack/ring.hpp"

namespace hg::pack {

Result<crypto::RecipientKey> read_recipient(const std::filesystem::path& path) {
  const Result<Bytes> pem = read_file(path);
  if (!pem) return pem.error();
  auto key = crypto::RecipientKey::from_pem({reinterpret_cast<const char*>(pem->data()), pem->size()});
  if (!key) return key.error().within(path.string());
  return key;
}

Result<crypto::WrapKey> read_kek(const KekFile& kek) {
  Result<Bytes> secret = read_secret(kek.file, {16, 24, 32});
  if (!secret) return secret.error();
  auto key = crypto::WrapKey::from_bytes(kek.kid, *secret);
  wipe(*secret);
  if (!key) return key.error().within(kek.file.string());
  return key;
}

}  // namespace hg::pack
