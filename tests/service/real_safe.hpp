// SPDX-License-Identifier: Apache-2.0
// The real key safe over a key of the vectors and a state directory of its own, for tests of the service.
#pragma once

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "adapters/crypto/key_safe.hpp"
#include "adapters/crypto/public_keys.hpp"
#include "fakes/temporary_directory.hpp"

namespace hg::service::test {

class Safe {
 public:
  Safe() {
    auto own = crypto::AgreementKey::from_pem(text_of("gateway-enc-p256.pem")).value();
    auto keys = std::make_unique<crypto::GatewayKeys>(std::move(own), std::nullopt);
    safe_ = crypto::KeySafe::open(std::move(keys), directory_.path(), counters).value().safe;
  }

  [[nodiscard]] ports::KeySafe* get() const { return safe_.get(); }
  ports::KeySafe* operator->() const { return safe_.get(); }

  /// Of this gateway's key, and of somebody else's.
  static std::string public_pem() { return public_half_of("gateway-enc-p256.pem"); }
  static std::string other_public_pem() { return public_half_of("child1-enc-p256.pem"); }

 private:
  static std::string text_of(const std::string& key) {
    std::ifstream file(std::string(HEADGATE_SOURCE_DIR) + "/tests/vectors/mcuboot/keys/" + key);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string public_half_of(const std::string& key) {
    const auto own = crypto::AgreementKey::from_pem(text_of(key)).value();
    return crypto::pem_of(own.key()).value();
  }

  fakes::TemporaryDirectory directory_;

 public:
  ports::Counters counters;

 private:
  std::unique_ptr<crypto::KeySafe> safe_;
};

}  // namespace hg::service::test
