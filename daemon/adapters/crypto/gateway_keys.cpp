// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/gateway_keys.hpp"

#include <string>

#include "adapters/crypto/mcuboot_wraps.hpp"
#include "adapters/crypto/signatures.hpp"

namespace hg::crypto {
namespace {

constexpr std::int64_t kEs256 = -9;  // by its fully specified name

/// What a caller can do with a wrap that does not open: nothing, whether it is damaged or for somebody else.
Result<ContentKey> judged(Result<ContentKey> key) {
  if (key) return key;
  Error error = key.error();
  if (error.code == Errc::invalid) error.code = Errc::unauthenticated;
  if (error.code == Errc::not_found) error.code = Errc::unsupported;
  return error;
}

}  // namespace

Result<ContentKey> GatewayKeys::open(core::Wrap kind, ByteView wrapped) const {
  if (kind == core::Wrap::aes_kw) {
    if (shared_) return judged(open_mcuboot_wrap(kind, wrapped, *shared_));
    return Error{Errc::unsupported, "ENC_KW: this gateway shares no key: set keys.shared_credential"};
  }
  const std::lock_guard lock(in_use_);
  return judged(open_mcuboot_wrap(kind, wrapped, own_));
}

Result<ContentKey> GatewayKeys::open(ByteView encoded) const {
  cbor::Reader reader(encoded);
  const auto message = cose::read_encrypted(reader);
  if (!message) return message.error();
  if (auto finished = reader.finish(); !finished) return finished.error();
  auto key = [&] {
    const std::lock_guard lock(in_use_);
    return unwrap(*message, own_);
  }();
  const bool has_other_kind = !key && shared_ && key.error().code == Errc::not_found;
  return judged(has_other_kind ? unwrap(*message, *shared_) : std::move(key));
}

Result<Bytes> GatewayKeys::sign(ByteView message) const {
  if (own_.curve() != cose::Curve::p256) {
    return Error{Errc::unsupported, "this gateway's key is of " + std::string(cose::facts_of(own_.curve()).name) +
                                        ", and must be of P-256 to sign"};
  }
  const auto rule = cose::find_algorithm(kEs256, cose::Purpose::signature);
  if (!rule) return rule.error();
  const std::lock_guard lock(in_use_);
  return crypto::sign(*rule, own_.key(), message);
}

}  // namespace hg::crypto
