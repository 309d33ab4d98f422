// SPDX-License-Identifier: Apache-2.0
// What it costs to believe an official example: suit::open() against the bare EVP_DigestVerify of the same signature
// and SHA-256 of the same envelope, which nobody can do without. Both in turn, in this process; the ratio of the
// medians must stay within 1.5. One argument: the directory of the vectors (tests/vectors/suit).
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "adapters/crypto/keys.hpp"
#include "adapters/crypto/public_keys.hpp"
#include "cose/signed.hpp"
#include "suit/envelope.hpp"
#include "suit/manifest.hpp"

namespace {

using hg::Bytes;
using hg::ByteView;

constexpr int kRounds = 401;
constexpr int kTimesInARound = 10;
constexpr double kMostTimes = 1.5;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "verify_cost: %s\n", what.c_str());
  std::exit(1);
}

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path.string() + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The signature of the first block as OpenSSL wants it, and what it covers.
struct BareSignature {
  Bytes covered;
  Bytes der;
};

Bytes to_der(ByteView r_and_s) {
  const int half = static_cast<int>(r_and_s.size() / 2);
  ECDSA_SIG* signature = ECDSA_SIG_new();
  ECDSA_SIG_set0(signature, BN_bin2bn(r_and_s.data(), half, nullptr), BN_bin2bn(r_and_s.data() + half, half, nullptr));
  unsigned char* encoded = nullptr;
  const int size = i2d_ECDSA_SIG(signature, &encoded);
  Bytes der(encoded, encoded + size);
  OPENSSL_free(encoded);
  ECDSA_SIG_free(signature);
  return der;
}

BareSignature find_signature(ByteView bytes) {
  const auto envelope = hg::suit::Envelope::parse(bytes);
  if (!envelope) fail(envelope.error().message);
  hg::cbor::Reader reader = envelope->authentication.content;
  if (!reader.enter_array()) fail("no authentication wrapper");
  const ByteView digest = reader.read_bytes().value();
  hg::cbor::Reader block = reader.read_wrapped().value();
  const auto message = hg::cose::read_signed(block);
  if (!message) fail(message.error().message);
  const auto& signature = message->signatures.front();
  return {hg::cose::to_be_signed(signature, digest), to_der(signature.signature)};
}

bool verify_bare(EVP_PKEY* key, const BareSignature& signature, ByteView envelope) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool is_good = EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key) == 1 &&
                       EVP_DigestVerify(context, signature.der.data(), signature.der.size(), signature.covered.data(),
                                        signature.covered.size()) == 1;
  EVP_MD_CTX_free(context);
  unsigned char digest[EVP_MAX_MD_SIZE];
  return is_good && EVP_Digest(envelope.data(), envelope.size(), digest, nullptr, EVP_sha256(), nullptr) == 1;
}

/// Microseconds for one.
template <class Work>
double measure(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kTimesInARound; ++i)
    if (!work()) fail("it is refused");
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
  return spent.count() / kTimesInARound;
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + kRounds / 2);
  return values[kRounds / 2];
}

/// The ratio for one envelope.
double compare(const std::filesystem::path& path, std::string_view pem) {
  const Bytes envelope = read_file(path);
  hg::crypto::Keys ring;
  if (!ring.add("author", pem)) fail("the key is refused");
  const auto key = hg::crypto::key_from_pem(pem);
  if (!key) fail(key.error().message);
  const BareSignature signature = find_signature(envelope);
  std::vector<double> bare, whole;
  for (int round = 0; round < kRounds; ++round) {
    bare.push_back(measure([&] { return verify_bare(key->get(), signature, envelope); }));
    whole.push_back(measure([&] { return hg::suit::open(envelope, ring).has_value(); }));
  }
  const double ratio = median(whole) / median(bare);
  std::printf("%-28s %4zu bytes  bare %6.1f us  open %6.1f us  ratio %.3f\n", path.filename().c_str(), envelope.size(),
              median(bare), median(whole), ratio);
  return ratio;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) fail("usage: verify_cost DIRECTORY");
  const std::filesystem::path vectors = argv[1];
  const Bytes pem = read_file(vectors / "keys/suit-example-p256-public.pem");
  double worst = 0;
  for (const char* name : {"example0.signed.suit", "example1.signed.suit", "example2.signed_with_severable.suit",
                           "example3.signed.suit", "example4.signed.suit", "example5.signed.suit"})
    worst = std::max(worst, compare(vectors / "manifest-spec-es256" / name,
                                    {reinterpret_cast<const char*>(pem.data()), pem.size()}));
  std::printf("worst %.3f, promised %.1f\n", worst, kMostTimes);
  return worst <= kMostTimes ? 0 : 1;
}
