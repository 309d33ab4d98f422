// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/content_cipher.hpp"

#include <algorithm>
#include <array>

#include "adapters/crypto/hashes.hpp"

namespace hg::crypto {
namespace {

using cose::Algorithm;

constexpr std::size_t kPiece = 64 * 1024;  // at once; OpenSSL counts in int

struct CipherName {
  std::int64_t number;
  const char* name;  ///< OpenSSL's
};
constexpr CipherName kCiphers[] = {
    {1, "AES-128-GCM"},      {2, "AES-192-GCM"},      {3, "AES-256-GCM"},      {24, "ChaCha20-Poly1305"},
    {-65534, "AES-128-CTR"}, {-65533, "AES-192-CTR"}, {-65532, "AES-256-CTR"},
};

Result<Algorithm> rule_for(const cose::Encrypted& message, const ContentKey& key) {
  auto rule = cose::find_algorithm(message.algorithm, cose::Purpose::content);
  if (!rule) return rule.error();
  if (key.bytes().size() != rule->key_size || message.iv.size() != rule->iv_size) {
    return Error{Errc::invalid, "a key or IV that " + std::string(rule->name) + " does not have"};
  }
  return rule;
}

/// Ready for the content: key, IV and additional data are in.
Result<Owned<EVP_CIPHER_CTX>> prepare(const Algorithm& rule, const cose::Encrypted& message, const ContentKey& key,
                                      bool is_encryption) {
  const auto* known = std::ranges::find(kCiphers, rule.number, &CipherName::number);
  const Owned<EVP_CIPHER> cipher(known != std::end(kCiphers) ? EVP_CIPHER_fetch(nullptr, known->name, nullptr)
                                                             : nullptr);
  Owned<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool is_aead = rule.output_size > 0;
  const Bytes data = is_aead ? cose::additional_data(message) : Bytes{};
  const bool is_ready =
      cipher && context &&
      EVP_CipherInit_ex2(context.get(), cipher.get(), key.bytes().data(), message.iv.data(), is_encryption ? 1 : 0,
                         nullptr) == 1 &&
      (!is_aead || EVP_CipherUpdate(context.get(), nullptr, &size, data.data(), static_cast<int>(data.size())) == 1);
  if (!is_ready) return openssl_failure("start a cipher");
  return context;
}

/// One piece of at most kPiece bytes, of stream ciphers all: as many come out.
bool transform(EVP_CIPHER_CTX* context, ByteView piece, std::uint8_t* output) {
  int size = 0;
  return EVP_CipherUpdate(context, output, &size, piece.data(), static_cast<int>(piece.size())) == 1 &&
         static_cast<std::size_t>(size) == piece.size();
}

/// Nothing comes out at the end of a stream cipher; for an AEAD this is where the tag is made or checked.
bool finish_cipher(EVP_CIPHER_CTX* context) {
  std::array<std::uint8_t, EVP_MAX_BLOCK_LENGTH> rest{};
  int size = 0;
  return EVP_CipherFinal_ex(context, rest.data(), &size) == 1;
}

bool set_tag(EVP_CIPHER_CTX* context, ByteView tag) {
  Bytes copy(tag.begin(), tag.end());
  return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(copy.size()), copy.data()) == 1;
}

}  // namespace

Result<Encryptor> Encryptor::start(const cose::Encrypted& message, const ContentKey& key) {
  const auto rule = rule_for(message, key);
  if (!rule) return rule.error();
  auto context = prepare(*rule, message, key, true);
  if (!context) return context.error();
  return Encryptor(std::move(*context), rule->output_size);
}

Result<void> Encryptor::update(ByteView plaintext, const Sink& sink) {
  Bytes output(std::min(plaintext.size(), kPiece));
  while (!plaintext.empty()) {
    const ByteView piece = plaintext.first(std::min(plaintext.size(), kPiece));
    if (!transform(context_.get(), piece, output.data())) return openssl_failure("encrypt");
    if (auto taken = sink(ByteView(output).first(piece.size())); !taken) return taken;
    plaintext = plaintext.subspan(piece.size());
  }
  return {};
}

Result<void> Encryptor::finish(const Sink& sink) {
  if (!finish_cipher(context_.get())) return openssl_failure("end an encryption");
  if (tag_size_ == 0) return {};
  Bytes tag(tag_size_);
  if (EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()), tag.data()) != 1) {
    return openssl_failure("take the tag");
  }
  return sink(tag);
}

Result<Bytes> decrypt(const cose::Encrypted& message, const ContentKey& key, ByteView ciphertext) {
  if (ciphertext.size() > kMaxContentBytes) return Error{Errc::too_large, "more than 64 MiB to decrypt at once"};
  const auto rule = rule_for(message, key);
  if (!rule) return rule.error();
  if (ciphertext.size() < rule->output_size) return Error{Errc::unauthenticated, "a ciphertext without its tag"};
  const auto context = prepare(*rule, message, key, false);
  if (!context) return context.error();
  const ByteView body = ciphertext.first(ciphertext.size() - rule->output_size);
  Bytes plaintext(body.size());
  bool is_good = rule->output_size == 0 || set_tag(context->get(), ciphertext.subspan(body.size()));
  for (std::size_t at = 0; is_good && at < body.size(); at += kPiece) {
    is_good = transform(context->get(), body.subspan(at, std::min(kPiece, body.size() - at)), plaintext.data() + at);
  }
  if (is_good && finish_cipher(context->get())) return plaintext;
  wipe(plaintext);
  ERR_clear_error();
  return Error{Errc::unauthenticated, "the ciphertext is not what was encrypted with this key"};
}

Result<Digest> digest_decrypted(const cose::Encrypted& message, const ContentKey& key,
                                const images::Source& ciphertext) {
  const auto rule = rule_for(message, key);
  if (!rule) return rule.error();
  if (ciphertext.size() < rule->output_size) return Error{Errc::unauthenticated, "a ciphertext without its tag"};
  const auto context = prepare(*rule, message, key, false);
  if (!context) return context.error();
  const std::uint64_t body = ciphertext.size() - rule->output_size;
  Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, ciphertext.size())));
  Sha256 hash;
  bool is_good = true;
  for (std::uint64_t at = 0; is_good && at < body; at += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, body - at)));
    if (auto read = ciphertext.read_at(at, piece); !read) return read.error();
    is_good = transform(context->get(), piece, piece.data());
    hash.update(piece);
  }
  Bytes tag(rule->output_size);
  if (auto read = ciphertext.read_at(body, tag); !read) return read.error();
  is_good = is_good && (tag.empty() || set_tag(context->get(), tag)) && finish_cipher(context->get());
  wipe(piece);
  if (is_good) return hash.finish();
  ERR_clear_error();
  return Error{Errc::unauthenticated, "the ciphertext is not what was encrypted with this key"};
}

}  // namespace hg::crypto
