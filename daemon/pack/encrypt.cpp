// SPDX-License-Identifier: Apache-2.0
#include "pack/encrypt.hpp"

#include <algorithm>
#include <array>

#include "adapters/crypto/content_cipher.hpp"
#include "pack/files.hpp"
#include "pack/random.hpp"
#include "pack/wraps.hpp"

namespace hg::pack {

namespace {

struct CipherName {
  std::string_view name;
  std::int64_t algorithm;  // IANA "COSE Algorithms"
};

constexpr std::array<CipherName, 5> kCiphers{
    {{"aes128-gcm", 1}, {"aes256-gcm", 3}, {"chacha20-poly1305", 24}, {"aes128-ctr", -65534}, {"aes256-ctr", -65532}}};

Result<std::vector<Bytes>> wrap_for_all(const crypto::ContentKey& key, const EncryptOptions& options) {
  std::vector<Bytes> recipients;
  for (const auto& path : options.recipients) {
    const Result<crypto::RecipientKey> recipient = read_recipient(path);
    if (!recipient) return recipient.error();
    Result<Bytes> wrapped = crypto::wrap(key, *recipient);
    if (!wrapped) return wrapped.error().within(path.string());
    recipients.push_back(std::move(*wrapped));
  }
  for (const KekFile& kek : options.keks) {
    const Result<crypto::WrapKey> shared = read_kek(kek);
    if (!shared) return shared.error();
    Result<Bytes> wrapped = crypto::wrap(key, *shared);
    if (!wrapped) return wrapped.error().within(kek.file.string());
    recipients.push_back(std::move(*wrapped));
  }
  return recipients;
}

Result<Bytes> seal(const cose::Encrypted& message, const crypto::ContentKey& key, ByteView plaintext) {
  Bytes ciphertext;
  const crypto::Sink append = [&](ByteView piece) -> Result<void> {
    ciphertext.insert(ciphertext.end(), piece.begin(), piece.end());
    return {};
  };
  Result<crypto::Encryptor> encryptor = crypto::Encryptor::start(message, key);
  if (!encryptor) return encryptor.error();
  if (const Result<void> done = encryptor->update(plaintext, append); !done) return done.error();
  if (const Result<void> done = encryptor->finish(append); !done) return done.error();
  return ciphertext;
}

}  // namespace

std::vector<std::string> cipher_names() {
  std::vector<std::string> names;
  for (const CipherName& cipher : kCiphers) names.emplace_back(cipher.name);
  return names;
}

Result<void> encrypt(const EncryptOptions& options) {
  const auto* cipher = std::ranges::find(kCiphers, std::string_view(options.cipher), &CipherName::name);
  if (cipher == kCiphers.end()) return Error{Errc::unsupported, "cipher " + options.cipher + " is not known"};
  const Result<Bytes> plaintext = read_file(options.plaintext);
  if (!plaintext) return plaintext.error();
  const Result<crypto::ContentKey> key = crypto::ContentKey::generate(cipher->algorithm);
  if (!key) return key.error();
  const Result<std::vector<Bytes>> recipients = wrap_for_all(*key, options);
  if (!recipients) return recipients.error();
  const auto facts = cose::find_algorithm(cipher->algorithm, cose::Purpose::content);
  if (!facts) return facts.error();
  const Result<Bytes> iv = random_bytes(facts->iv_size);
  if (!iv) return iv.error();
  const Bytes info = cose::write_encrypted(cipher->algorithm, *iv, *recipients);
  cbor::Reader reader(info);
  const Result<cose::Encrypted> message = cose::read_encrypted(reader);
  if (!message) return message.error();
  const Result<Bytes> ciphertext = seal(*message, *key, *plaintext);
  if (!ciphertext) return ciphertext.error();
  if (const Result<void> done = write_file(options.info, info); !done) return done;
  const Result<void> done = write_file(options.ciphertext, *ciphertext);
  std::error_code ignored;
  if (!done) std::filesystem::remove(options.info, ignored);  // of use only with its ciphertext
  return done;
}

}  // namespace hg::pack
