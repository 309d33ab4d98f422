// SPDX-License-Identifier: Apache-2.0
#include "app/key_safe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "adapters/crypto/child_key_material.hpp"
#include "adapters/crypto/key_store.hpp"
#include "adapters/crypto/locked_memory.hpp"
#include "app/credentials.hpp"
#include "base/secret.hpp"
#include "base/unique_fd.hpp"

namespace hg::app {

namespace {

/// A credential in locked memory.
class SecretText {
 public:
  static Result<SecretText> read(const std::string& credential) {
    const Result<std::filesystem::path> path = credential_path(credential);
    if (!path) return path.error();
    const UniqueFd file(::open(path->c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return from_errno(errno, "credential " + credential);
    SecretText text;
    const ssize_t size = ::read(file.get(), text.bytes_.data(), text.bytes_.size());
    if (size < 0) return from_errno(errno, "credential " + credential);
    text.size_ = static_cast<std::size_t>(size);
    return text;
  }

  [[nodiscard]] ByteView bytes() const { return bytes_.view().first(size_); }
  [[nodiscard]] std::string_view text() const { return {reinterpret_cast<const char*>(bytes().data()), size_}; }

 private:
  static constexpr std::size_t kMost = 4096;

  SecretText() = default;

  Secret bytes_{kMost};
  std::size_t size_ = 0;
};

Result<crypto::AgreementKey> read_own(const KeysConfig& keys) {
  if (!keys.gateway_key.empty()) {
    if (!keys.openssl_provider.empty()) {
      if (auto loaded = crypto::load_provider(keys.openssl_provider); !loaded) {
        return loaded.error().within("keys.openssl_provider");
      }
    }
    auto key = crypto::AgreementKey::load(keys.gateway_key);
    if (!key) return key.error().within("keys.gateway_key");
    return key;
  }
  const auto pem = SecretText::read(keys.gateway_credential);
  if (!pem) return pem.error().within("keys.gateway_credential");
  auto key = crypto::AgreementKey::from_pem(pem->text());
  if (!key) return key.error().within("keys.gateway_credential: credential " + keys.gateway_credential);
  return key;
}

Result<std::optional<crypto::WrapKey>> read_shared(const std::string& credential) {
  if (credential.empty()) return std::optional<crypto::WrapKey>{};
  const auto text = SecretText::read(credential);
  if (!text) return text.error();
  const auto key = crypto::read_child_key(core::KeyUse::wrap, text->bytes());
  if (!key || key->kind != core::KeyKind::aes) {
    return Error{Errc::invalid, "credential " + credential + ": not 16 or 32 secret bytes or their hexadecimal digits"};
  }
  auto made = crypto::WrapKey::from_bytes({}, key->secret.view());
  if (!made) return made.error();
  return std::optional(std::move(*made));
}

}  // namespace

Result<crypto::KeySafe::Opened> open_key_safe(const KeysConfig& keys, const std::filesystem::path& state,
                                              ports::Counters& counters) {
  if (auto locked = crypto::lock_key_memory(); !locked) return locked.error();
  auto own = read_own(keys);
  if (!own) return own.error();
  auto shared = read_shared(keys.shared_credential);
  if (!shared) return shared.error().within("keys.shared_credential");
  return crypto::KeySafe::open(std::make_unique<crypto::GatewayKeys>(std::move(*own), std::move(*shared)), state,
                               counters);
}

}  // namespace hg::app
