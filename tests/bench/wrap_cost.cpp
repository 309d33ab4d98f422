// SPDX-License-Identifier: Apache-2.0
// What it costs to prepare an encrypted image of 1 MiB for 1,000 children with a P-256 key each: the wrapped content
// key and the digest of the file as it leaves, against the bare ECDH, HKDF, HMAC and AES-CTR of the same wraps, which
// nobody can do without. Both in turn, in this process; the median of the ratios must stay within 2. The head of the
// image must be read once for all of them, and of the rest only what follows the wrapped key.
#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "adapters/crypto/mcuboot_wraps.hpp"
#include "adapters/crypto/openssl.hpp"
#include "adapters/crypto/view_digest.hpp"

namespace {

using hg::Bytes;
using hg::ByteView;
using hg::crypto::Owned;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr std::size_t kImageBytes = std::size_t{1} << 20U;
constexpr std::size_t kWrapBytes = 113;
constexpr std::size_t kWrapAt =
    kImageBytes - kWrapBytes - 40;  // imgtool's order of TLVs: it is the last one, or nearly
constexpr std::size_t kChildren = 1000;
constexpr std::size_t kAtATime = 50;
constexpr int kRounds = 5;
constexpr double kMostTimes = 2;
constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kMacBytes = 32;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "wrap_cost: %s\n", what.c_str());
  std::exit(1);
}

void must(bool holds, const char* what) {
  if (!holds) fail(what);
}

/// Counts what is read of it.
class CountingSource : public hg::images::Source {
 public:
  explicit CountingSource(ByteView bytes) : file_(bytes) {}
  [[nodiscard]] std::uint64_t size() const override { return file_.size(); }
  [[nodiscard]] hg::Result<void> read_at(std::uint64_t offset, std::span<std::uint8_t> into) const override {
    read_ += into.size();
    return file_.read_at(offset, into);
  }
  [[nodiscard]] std::uint64_t read() const { return read_; }

 private:
  hg::images::MemorySource file_;
  mutable std::uint64_t read_ = 0;
};

struct Child {
  Owned<EVP_PKEY> key;
  Bytes spki;
};

std::vector<Child> make_children() {
  std::vector<Child> children;
  for (std::size_t i = 0; i < kChildren; ++i) {
    Child child{Owned<EVP_PKEY>(EVP_EC_gen("P-256")), {}};
    std::uint8_t* der = nullptr;
    const int size = i2d_PUBKEY(child.key.get(), &der);
    must(size > 0, "no SubjectPublicKeyInfo");
    child.spki.assign(der, der + size);
    OPENSSL_free(der);
    children.push_back(std::move(child));
  }
  return children;
}

// ------------------------------------------------------------------------------------------------------- bare

std::array<std::uint8_t, 32> bare_secret(EVP_PKEY* own, EVP_PKEY* peer) {
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(own, nullptr));
  std::array<std::uint8_t, 32> secret{};
  std::size_t size = secret.size();
  must(EVP_PKEY_derive_init(context.get()) == 1 && EVP_PKEY_derive_set_peer(context.get(), peer) == 1 &&
           EVP_PKEY_derive(context.get(), secret.data(), &size) == 1,
       "ECDH");
  return secret;
}

std::array<std::uint8_t, kKeyBytes + kMacBytes> bare_keys(std::array<std::uint8_t, 32>& secret) {
  const Owned<EVP_KDF> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const Owned<EVP_KDF_CTX> context(EVP_KDF_CTX_new(kdf.get()));
  std::string hash = "SHA256", info = "MCUBoot_ECIES_v1";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash.data(), 0),
                                   OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
                                   OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
                                   OSSL_PARAM_construct_end()};
  std::array<std::uint8_t, kKeyBytes + kMacBytes> keys{};
  must(EVP_KDF_derive(context.get(), keys.data(), keys.size(), parameters) == 1, "HKDF");
  return keys;
}

/// The wrap of `content` for a key, without anything around it.
std::array<std::uint8_t, kWrapBytes> wrap_bare(EVP_PKEY* recipient, ByteView content) {
  const Owned<EVP_PKEY> ephemeral(EVP_EC_gen("P-256"));
  std::array<std::uint8_t, kWrapBytes> wrap{};
  std::size_t size = 0;
  must(EVP_PKEY_get_octet_string_param(ephemeral.get(), OSSL_PKEY_PARAM_PUB_KEY, wrap.data(), 65, &size) == 1, "point");
  auto secret = bare_secret(ephemeral.get(), recipient);
  const auto keys = bare_keys(secret);
  const Owned<EVP_CIPHER_CTX> cipher(EVP_CIPHER_CTX_new());
  const std::array<std::uint8_t, 16> counter{};
  int length = 0;
  std::uint8_t* hidden = wrap.data() + 65 + kMacBytes;
  must(EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_ctr(), nullptr, keys.data(), counter.data()) == 1 &&
           EVP_EncryptUpdate(cipher.get(), hidden, &length, content.data(), static_cast<int>(content.size())) == 1,
       "AES");
  unsigned mac_size = 0;
  must(
      HMAC(EVP_sha256(), keys.data() + kKeyBytes, kMacBytes, hidden, kKeyBytes, wrap.data() + 65, &mac_size) != nullptr,
      "HMAC");
  return wrap;
}

// ------------------------------------------------------------------------------------------------------- ours

/// As for a delivery: the child's key as it is stored, its wrap, the digest of its view.
void prepare(const Child& child, const hg::crypto::ContentKey& content, hg::crypto::ViewDigests& digests,
             const hg::Digest& image, const hg::images::Source& file) {
  const auto key = hg::crypto::RecipientKey::from_spki(child.spki);
  if (!key) fail(key.error().message);
  auto wrap = hg::crypto::make_mcuboot_wrap(hg::core::Wrap::ec256, content, *key);
  if (!wrap) fail(wrap.error().message);
  must(wrap->size() == kWrapBytes, "a wrap of another size");
  const hg::core::Patch patch{kWrapAt, std::move(*wrap)};
  if (const auto digest = digests.digest_of(image, file, {&patch, 1}); !digest) fail(digest.error().message);
}

template <class Work>
Microseconds measure(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::steady_clock::now() - start;
}

/// The ratio for all children, each side in turn for a few of them.
double compare(const std::vector<Child>& children, const Bytes& image) {
  hg::ports::Counters counters;
  hg::crypto::ViewDigests digests(counters);
  const hg::Digest name = hg::crypto::Sha256::of(image);
  const CountingSource file(image);
  const hg::crypto::ContentKey content{hg::Secret(ByteView(image).first(kKeyBytes))};
  Microseconds bare{0}, ours{0};
  for (std::size_t at = 0; at < children.size(); at += kAtATime) {
    const std::span some = std::span(children).subspan(at, kAtATime);
    bare += measure([&] {
      for (const Child& child : some) wrap_bare(child.key.get(), content.bytes());
    });
    ours += measure([&] {
      for (const Child& child : some) prepare(child, content, digests, name, file);
    });
  }
  const std::uint64_t tail = file.read() - kWrapAt;
  std::printf("%zu children: bare %8.0f us  prepared %8.0f us  ratio %.3f  heads read %llu, tail bytes %llu\n",
              children.size(), bare.count(), ours.count(), ours / bare,
              static_cast<unsigned long long>(counters.now().image_heads_hashed),
              static_cast<unsigned long long>(tail));
  must(counters.now().image_heads_hashed == 1, "the head was not read once");
  must(tail == kChildren * (kImageBytes - kWrapAt - kWrapBytes), "more was read than the tail for each child");
  return ours / bare;
}

}  // namespace

int main() {
  const std::vector<Child> children = make_children();
  Bytes image(kImageBytes);
  must(RAND_bytes(image.data(), static_cast<int>(image.size())) == 1, "no random bytes");
  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) ratios.push_back(compare(children, image));
  std::ranges::sort(ratios);
  const double median = ratios[kRounds / 2];
  std::printf("median %.3f, promised %.1f\n", median, kMostTimes);
  return median <= kMostTimes ? 0 : 1;
}
