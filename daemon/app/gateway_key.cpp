// SPDX-License-Identifier: Apache-2.0
#include "app/gateway_key.hpp"

#include "adapters/crypto/content_keys.hpp"
#include "app/credentials.hpp"
#include "cose/encrypted.hpp"

namespace hg::app {

namespace {

class AgreementGatewayKey final : public ports::GatewayKey {
 public:
  explicit AgreementGatewayKey(crypto::AgreementKey key) : key_(std::move(key)) {}

  [[nodiscard]] Digest id() const override { return key_.key_id(); }

  [[nodiscard]] Result<void> opens(ByteView encrypted_key) const override {
    cbor::Reader reader(encrypted_key);
    const auto message = cose::read_encrypted(reader);
    if (!message) return message.error();
    const auto content_key = crypto::unwrap(*message, key_);
    if (!content_key) return content_key.error();
    return {};
  }

 private:
  crypto::AgreementKey key_;
};

}  // namespace

Result<std::unique_ptr<ports::GatewayKey>> load_gateway_key(const std::string& credential) {
  Result<std::string> pem = read_credential(credential);
  if (!pem) return pem.error();
  auto key = crypto::AgreementKey::from_pem(*pem);
  wipe({reinterpret_cast<std::uint8_t*>(pem->data()), pem->size()});
  if (!key) return key.error().within("credential " + credential);
  return std::unique_ptr<ports::GatewayKey>(std::make_unique<AgreementGatewayKey>(std::move(*key)));
}

}  // namespace hg::app
