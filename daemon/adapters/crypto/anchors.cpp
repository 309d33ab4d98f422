// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/anchors.hpp"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include "adapters/crypto/hashes.hpp"
#include "adapters/crypto/openssl.hpp"
#include "adapters/crypto/signatures.hpp"

namespace hg::crypto {

struct Anchors::Key {
  std::string name;
  KeyType type;
  Digest fingerprint;  ///< SHA-256 of the SubjectPublicKeyInfo
  Owned<EVP_PKEY> key;

  [[nodiscard]] bool is_meant_by(ByteView key_id) const {
    return std::ranges::equal(key_id, as_bytes(name)) || std::ranges::equal(key_id, fingerprint.bytes());
  }
};

namespace {

constexpr std::size_t kMaxPemBytes = 16 * 1024;
constexpr std::string_view kBegin = "-----BEGIN ";

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

int no_password(char*, int, int, void*) {
  return -1;
}

Result<Owned<EVP_PKEY>> parse(std::string_view pem) {
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return Error{Errc::invalid, "a private key; a trust anchor is a public one"};
  }
  if (count_of(pem, kBegin) != 1) return Error{Errc::invalid, "not exactly one PEM block"};
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Owned<EVP_PKEY> key(bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, no_password, nullptr) : nullptr);
  if (!key) return Error{Errc::invalid, "no PEM public key: " + take_openssl_error()};
  return key;
}

Result<Digest> fingerprint_of(EVP_PKEY* key) {
  std::uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return Error{Errc::internal, "encode public key: " + take_openssl_error()};
  const Digest digest = Sha256::of(ByteView(der, static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return digest;
}

}  // namespace

Anchors::Anchors() = default;
Anchors::~Anchors() = default;

std::size_t Anchors::size() const {
  return keys_.size();
}

Result<void> Anchors::add_file(const std::filesystem::path& path) {
  const std::string doing = "trust anchor " + path.string();
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{Errc::not_found, "cannot be opened"}.within(doing);
  std::string pem(kMaxPemBytes + 1, '\0');
  file.read(pem.data(), static_cast<std::streamsize>(pem.size()));
  if (file.bad()) return Error{Errc::io, "cannot be read"}.within(doing);
  pem.resize(static_cast<std::size_t>(file.gcount()));
  auto added = add(path.stem().string(), pem);
  if (!added) return added.error().within(doing);
  return {};
}

Result<void> Anchors::add(std::string name, std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return Error{Errc::too_large, "more than a key"};
  auto key = parse(pem);
  if (!key) return key.error();
  const auto type = type_of(key->get());
  if (!type) return type.error();
  const auto fingerprint = fingerprint_of(key->get());
  if (!fingerprint) return fingerprint.error();
  for (const Key& other : keys_) {
    if (other.name == name) return Error{Errc::exists, "a second key named " + name};
    if (other.fingerprint == *fingerprint) return Error{Errc::exists, "the same key as " + other.name};
  }
  keys_.push_back(Key{std::move(name), *type, *fingerprint, std::move(*key)});
  return {};
}

Result<std::string> Anchors::verify(std::int64_t algorithm, ByteView key_id, ByteView to_be_signed,
                                    ByteView signature) const {
  const auto rule = find_algorithm(algorithm);
  if (!rule) return Error{Errc::unsupported, "signature algorithm " + std::to_string(algorithm) + " is not accepted"};
  const std::string rule_name(rule->name);
  if (signature.size() != rule->signature_size) {
    return Error{Errc::unauthenticated, rule_name + " signature of " + std::to_string(signature.size()) +
                                            " bytes, not " + std::to_string(rule->signature_size)};
  }
  const auto meant = std::ranges::find_if(keys_, [&](const Key& key) { return key.is_meant_by(key_id); });
  for (const Key& key : keys_) {
    if (meant != keys_.end() && &key != &*meant) continue;
    if (key.type != rule->key_type) continue;
    if (is_signature(*rule, key.key.get(), to_be_signed, signature)) return key.name;
  }
  const std::string who = meant != keys_.end() ? "key " + meant->name : "any trusted key";
  return Error{Errc::unauthenticated, "no " + rule_name + " signature of " + who};
}

Result<std::string> Anchors::verify_mac(std::int64_t, ByteView, ByteView, ByteView) const {
  return Error{Errc::unauthenticated, "a MAC, and no MAC key is trusted"};
}

Result<Digest> Anchors::digest(std::int64_t algorithm, ByteView bytes) const {
  struct Size {
    std::int64_t algorithm;
    std::size_t bytes;
  };
  constexpr Size kSizes[] = {{-16, 32}, {-43, 48}, {-44, 64}};  // RFC 9054 §2.1
  const auto* size = std::ranges::find(kSizes, algorithm, &Size::algorithm);
  if (size == std::end(kSizes)) {
    return Error{Errc::unsupported, "digest algorithm " + std::to_string(algorithm) + " is not accepted"};
  }
  Sha2 hash(size->bytes);
  hash.update(bytes);
  return hash.finish();
}

Digest Anchors::sha256(ByteView bytes) const {
  return Sha256::of(bytes);
}

}  // namespace hg::crypto
