// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/ctr_stream.hpp"

#include <algorithm>
#include <array>

namespace hg::crypto {
namespace {

constexpr std::size_t kBlock = 16;
constexpr std::size_t kAes128Bytes = 16;
constexpr std::size_t kAes256Bytes = 32;
constexpr std::size_t kMostAtOnce = std::size_t{1} << 20U;  // OpenSSL counts in int

}  // namespace

Result<CtrStream> CtrStream::start(ByteView key) {
  if (key.size() != kAes128Bytes && key.size() != kAes256Bytes) {
    return Error{Errc::invalid, "an AES key of " + std::to_string(key.size()) + " bytes, not 16 or 32"};
  }
  const Owned<EVP_CIPHER> cipher(
      EVP_CIPHER_fetch(nullptr, key.size() == kAes128Bytes ? "AES-128-CTR" : "AES-256-CTR", nullptr));
  Owned<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  const std::array<std::uint8_t, kBlock> counter{};
  if (cipher && context && EVP_EncryptInit_ex2(context.get(), cipher.get(), key.data(), counter.data(), nullptr) == 1) {
    return CtrStream(std::move(context));
  }
  return openssl_failure("start AES-CTR");
}

Result<void> CtrStream::apply(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(bytes.size(), kMostAtOnce));
    int size = 0;
    const bool is_done =
        EVP_EncryptUpdate(context_.get(), piece.data(), &size, piece.data(), static_cast<int>(piece.size())) == 1;
    if (!is_done || static_cast<std::size_t>(size) != piece.size()) return openssl_failure("AES-CTR");
    bytes = bytes.subspan(piece.size());
  }
  return {};
}

}  // namespace hg::crypto
