// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/ed25519_point.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "adapters/crypto/openssl.hpp"

namespace hg::crypto {
namespace {

constexpr std::size_t kSize = 32;
using Encoded = std::array<std::uint8_t, kSize>;

// Big-endian, as BN_hex2bn reads them.
constexpr const char* kPrime = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";
constexpr const char* kCurveD = "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3";
/// y of the points of order 1, 2, 4 and 8.
constexpr const char* kSmallOrder[] = {
    "01",
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
    "00",
    "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7",
    "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
};

Owned<BIGNUM> from_hex_number(const char* digits) {
  BIGNUM* number = nullptr;
  BN_hex2bn(&number, digits);
  return Owned<BIGNUM>(number);
}

/// Whether x^2 = (y^2 - 1) / (d y^2 + 1) has a solution: whether the product of both sides is a square.
bool has_x(const BIGNUM* y, const BIGNUM* prime) {
  const Owned<BN_CTX> context(BN_CTX_new());
  const Owned<BIGNUM> d = from_hex_number(kCurveD);
  const Owned<BIGNUM> u(BN_new());
  const Owned<BIGNUM> v(BN_new());
  if (!context || !d || !u || !v) return false;
  const bool is_done = BN_mod_sqr(u.get(), y, prime, context.get()) == 1 &&
                       BN_mod_mul(v.get(), u.get(), d.get(), prime, context.get()) == 1 &&
                       BN_sub_word(u.get(), 1) == 1 && BN_add_word(v.get(), 1) == 1 &&
                       BN_mod_mul(u.get(), u.get(), v.get(), prime, context.get()) == 1;
  return is_done && BN_kronecker(u.get(), prime, context.get()) == 1;
}

bool has_small_order(const BIGNUM* y) {
  return std::ranges::any_of(kSmallOrder,
                             [&](const char* digits) { return BN_cmp(y, from_hex_number(digits).get()) == 0; });
}

}  // namespace

Result<void> check_ed25519_point(ByteView encoded) {
  Encoded bytes{};
  std::ranges::copy(encoded.first(std::min(encoded.size(), kSize)), bytes.begin());
  bytes.back() &= 0x7f;  // the sign of x
  const Owned<BIGNUM> y(BN_lebin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  const Owned<BIGNUM> prime = from_hex_number(kPrime);
  if (!y || !prime) return openssl_failure("check a public key");
  if (BN_cmp(y.get(), prime.get()) >= 0) return Error{Errc::invalid, "a point that is not on its curve: y beyond p"};
  if (has_small_order(y.get())) return Error{Errc::invalid, "a weak key: a point of small order"};
  if (has_x(y.get(), prime.get())) return {};
  return Error{Errc::invalid, "a point that is not on its curve"};
}

}  // namespace hg::crypto
