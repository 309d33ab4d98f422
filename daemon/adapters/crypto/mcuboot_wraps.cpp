// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/mcuboot_wraps.hpp"

#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "adapters/crypto/ctr_stream.hpp"
#include "adapters/crypto/hashes.hpp"
#include "adapters/crypto/key_wrap.hpp"
#include "adapters/crypto/public_keys.hpp"

namespace hg::crypto {
namespace {

using core::Wrap;
using cose::Curve;

constexpr std::string_view kInfo = "MCUBoot_ECIES_v1";
constexpr std::uint8_t kUncompressed = 0x04;  // SEC 1 §2.3.3
constexpr std::size_t kContentKeyBytes[] = {16, 32};
constexpr std::size_t kBitsPerByte = 8;

/// What the kinds have of their own. The MAC key is as long as the MAC; MCUboot before 2.3 took 32 bytes of it with
/// SHA-512 (mcu-tools/mcuboot#2408), which no bootloader in the field should have.
struct Kind {
  Wrap wrap;
  std::string_view name;
  Curve curve;              ///< none: a shared key
  std::size_t public_size;  ///< bytes of the ephemeral key; ENC_KW: 0
  std::size_t mac_size;     ///< bytes, and so the SHA-2 of HMAC and HKDF; ENC_KW: 0
};
constexpr Kind kKinds[] = {{Wrap::aes_kw, "ENC_KW", Curve::none, 0, 0},
                           {Wrap::ec256, "ENC_EC256", Curve::p256, 65, 32},
                           {Wrap::x25519, "ENC_X25519", Curve::x25519, 32, 32},
                           {Wrap::x25519_sha512, "ENC_X25519_SHA512", Curve::x25519, 32, 64}};

Result<Kind> find_kind(Wrap wrap) {
  const auto* const found = std::ranges::find(kKinds, wrap, &Kind::wrap);
  if (found != std::end(kKinds)) return *found;
  if (wrap == Wrap::rsa2048) return Error{Errc::unsupported, "ENC_RSA2048: headgate neither opens nor makes it"};
  return Error{Errc::unsupported, "no wrap of MCUboot"};
}

/// The kind, if a key of `curve` can do it; none: a shared key.
Result<Kind> kind_for(Wrap wrap, Curve curve) {
  auto kind = find_kind(wrap);
  if (!kind || kind->curve == curve) return kind;
  const auto describe = [](Curve each) {
    return each == Curve::none ? std::string("a shared key") : "a key of " + std::string(cose::facts_of(each).name);
  };
  return Error{Errc::unsupported,
               std::string(kind->name) + " is for " + describe(kind->curve) + ", this is " + describe(curve)};
}

std::size_t size_of(const Kind& kind, std::size_t content_bytes) {
  if (kind.curve == Curve::none) return content_bytes + cose::kWrapOverhead;
  return kind.public_size + kind.mac_size + content_bytes;
}

/// Bytes of the content key in a wrap of this length.
Result<std::size_t> content_bytes_in(const Kind& kind, ByteView wrapped) {
  for (const std::size_t bytes : kContentKeyBytes)
    if (wrapped.size() == size_of(kind, bytes)) return bytes;
  return Error{Errc::invalid, std::string(kind.name) + " of " + std::to_string(wrapped.size()) + " bytes: it has " +
                                  std::to_string(size_of(kind, kContentKeyBytes[0])) + " or " +
                                  std::to_string(size_of(kind, kContentKeyBytes[1]))};
}

Result<void> check_content_bytes(const Kind& kind, std::size_t bytes) {
  if (std::ranges::find(kContentKeyBytes, bytes) != std::end(kContentKeyBytes)) return {};
  return Error{Errc::invalid, std::string(kind.name) + " of a content key of " + std::to_string(bytes * kBitsPerByte) +
                                  " bits: MCUboot has 128 and 256"};
}

Result<void> check_shared(const Kind& kind, std::size_t content_bytes, const WrapKey& key) {
  if (key.bytes().size() == content_bytes) return {};
  return Error{Errc::unsupported, std::string(kind.name) + " of " + std::to_string(content_bytes) +
                                      " bytes needs a shared key of as many, this one has " +
                                      std::to_string(key.bytes().size())};
}

/// The key that hides the content key, followed by that of the MAC.
class DerivedKeys {
 public:
  static Result<DerivedKeys> agree_on(const Kind& kind, std::size_t content_bytes, EVP_PKEY* own, EVP_PKEY* peer) {
    const auto secret = agree(own, peer);
    if (!secret) return secret.error();
    auto keys = derive_key(secret->view(), {}, as_bytes(kInfo), content_bytes + kind.mac_size, kind.mac_size);
    if (!keys) return keys.error();
    return DerivedKeys(std::move(*keys), content_bytes);
  }

  [[nodiscard]] ByteView hiding() const { return keys_.view().first(content_bytes_); }
  /// Over the hidden content key.
  [[nodiscard]] Result<Digest> mac(ByteView hidden) const {
    const ByteView key = keys_.view().subspan(content_bytes_);
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    const bool is_made = HMAC(sha2_of(key.size()), key.data(), static_cast<int>(key.size()), hidden.data(),
                              hidden.size(), bytes.data(), &size) != nullptr;
    if (!is_made) return openssl_failure("HMAC");
    return *Digest::from_bytes(ByteView(bytes).first(size));
  }

 private:
  DerivedKeys(Secret keys, std::size_t content_bytes) : keys_(std::move(keys)), content_bytes_(content_bytes) {}

  Secret keys_;
  std::size_t content_bytes_;
};

Result<void> apply_ctr(ByteView key, std::span<std::uint8_t> bytes) {
  auto stream = CtrStream::start(key);
  if (!stream) return stream.error();
  return stream->apply(bytes);
}

/// The ephemeral key, as the kind writes it.
Result<Owned<EVP_PKEY>> read_ephemeral(const Kind& kind, ByteView bytes) {
  if (kind.curve == Curve::x25519) return key_from({kind.curve, bytes, {}, 0});
  if (bytes.front() != kUncompressed) return Error{Errc::invalid, "no uncompressed point"};
  const std::size_t half = bytes.size() / 2;
  return key_from({kind.curve, bytes.subspan(1, half), bytes.subspan(1 + half), 0});
}

Result<Bytes> write_ephemeral(const Kind& kind, const EVP_PKEY* key) {
  const auto point = point_of(key);
  if (!point) return point.error();
  Bytes bytes;
  bytes.reserve(kind.public_size);
  if (kind.curve != Curve::x25519) bytes.push_back(kUncompressed);
  bytes.insert(bytes.end(), point->x.begin(), point->x.end());
  bytes.insert(bytes.end(), point->y.begin(), point->y.end());
  return bytes;
}

/// Whatever is wrong with the ephemeral key is damage: the wrap has the right length.
Error damaged(const Error& why) {
  return why.code == Errc::invalid ? Error{Errc::unauthenticated, why.message}.within("ephemeral key") : why;
}

Result<Secret> open_by_agreement(const Kind& kind, ByteView wrapped, std::size_t content_bytes, EVP_PKEY* own) {
  const auto peer = read_ephemeral(kind, wrapped.first(kind.public_size));
  if (!peer) return damaged(peer.error());
  const auto keys = DerivedKeys::agree_on(kind, content_bytes, own, peer->get());
  if (!keys) return damaged(keys.error());
  const ByteView hidden = wrapped.last(content_bytes);
  const auto mac = keys->mac(hidden);
  if (!mac) return mac.error();
  if (!equal_in_constant_time(mac->bytes(), wrapped.subspan(kind.public_size, kind.mac_size))) {
    return Error{Errc::unauthenticated, "its MAC does not hold: it was wrapped for another key, or is damaged"};
  }
  Secret content(hidden);
  if (auto opened = apply_ctr(keys->hiding(), {content.data(), content.size()}); !opened) return opened.error();
  return content;
}

Result<Bytes> make_by_agreement(const Kind& kind, ByteView content, EVP_PKEY* recipient) {
  const auto ephemeral = generate_key(kind.curve);
  if (!ephemeral) return ephemeral.error();
  auto wrapped = write_ephemeral(kind, ephemeral->get());
  if (!wrapped) return wrapped;
  const auto keys = DerivedKeys::agree_on(kind, content.size(), ephemeral->get(), recipient);
  if (!keys) return keys.error();
  Secret hidden(content);
  if (auto done = apply_ctr(keys->hiding(), {hidden.data(), hidden.size()}); !done) return done.error();
  const auto mac = keys->mac(hidden.view());
  if (!mac) return mac.error();
  wrapped->insert(wrapped->end(), mac->bytes().begin(), mac->bytes().end());
  wrapped->insert(wrapped->end(), hidden.view().begin(), hidden.view().end());
  return wrapped;
}

}  // namespace

Result<std::size_t> mcuboot_wrap_size(Wrap wrap, unsigned key_bits) {
  const auto kind = find_kind(wrap);
  if (!kind) return kind.error();
  const std::size_t bytes = key_bits / kBitsPerByte;
  if (auto checked = check_content_bytes(*kind, bytes); !checked) return checked.error();
  return size_of(*kind, bytes);
}

Result<ContentKey> open_mcuboot_wrap(Wrap wrap, ByteView wrapped, const AgreementKey& key) {
  const auto kind = kind_for(wrap, key.curve());
  if (!kind) return kind.error();
  const auto bytes = content_bytes_in(*kind, wrapped);
  if (!bytes) return bytes.error();
  auto content = open_by_agreement(*kind, wrapped, *bytes, key.key());
  if (!content) return content.error().within(kind->name);
  return ContentKey(std::move(*content));
}

Result<ContentKey> open_mcuboot_wrap(Wrap wrap, ByteView wrapped, const WrapKey& key) {
  const auto kind = kind_for(wrap, Curve::none);
  if (!kind) return kind.error();
  const auto bytes = content_bytes_in(*kind, wrapped);
  if (!bytes) return bytes.error();
  if (auto checked = check_shared(*kind, *bytes, key); !checked) return checked.error();
  auto content = unwrap_key(key.bytes(), wrapped);
  if (!content) return content.error().within(kind->name);
  return ContentKey(std::move(*content));
}

Result<Bytes> make_mcuboot_wrap(Wrap wrap, const ContentKey& content, const RecipientKey& key) {
  const auto kind = kind_for(wrap, key.curve());
  if (!kind) return kind.error();
  if (auto checked = check_content_bytes(*kind, content.bytes().size()); !checked) return checked.error();
  auto wrapped = make_by_agreement(*kind, content.bytes(), key.key());
  if (!wrapped) return wrapped.error().within(kind->name);
  return wrapped;
}

Result<Bytes> make_mcuboot_wrap(Wrap wrap, const ContentKey& content, const WrapKey& key) {
  const auto kind = kind_for(wrap, Curve::none);
  if (!kind) return kind.error();
  if (auto checked = check_content_bytes(*kind, content.bytes().size()); !checked) return checked.error();
  if (auto checked = check_shared(*kind, content.bytes().size(), key); !checked) return checked.error();
  auto wrapped = wrap_key(key.bytes(), content.bytes());
  if (!wrapped) return wrapped.error().within(kind->name);
  return wrapped;
}

}  // namespace hg::crypto
