// SPDX-License-Identifier: Apache-2.0
// A gateway's safe of keys with images to open, for the tests of it: the images and keys of tests/vectors/mcuboot, and
// SUIT payloads that are encrypted here.
#pragma once

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>

#include "adapters/crypto/content_cipher.hpp"
#include "adapters/crypto/key_safe.hpp"
#include "crypto_samples.hpp"
#include "fakes/on_loop.hpp"
#include "fakes/temporary_directory.hpp"
#include "images/mcuboot.hpp"

namespace hg::crypto {

inline Bytes random_bytes(std::size_t size) {
  Bytes bytes(size);
  RAND_bytes(bytes.data(), static_cast<int>(size));
  return bytes;
}

inline std::string vector_path(const std::string& name) {
  return std::string(HEADGATE_SOURCE_DIR) + "/tests/vectors/mcuboot/" + name;
}

inline std::string text_of(const Bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

/// A file in memory.
inline UniqueFd file_of(ByteView bytes) {
  UniqueFd file(::memfd_create("image", MFD_CLOEXEC));
  if (::write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error("memfd");
  }
  return file;
}

/// An image and what the inspection says of it.
struct Sample {
  Bytes file;
  core::Sealing sealing;
  Digest plaintext;

  [[nodiscard]] Digest digest() const { return Sha256::of(file); }
  [[nodiscard]] UniqueFd open() const { return file_of(file); }
};

inline core::Wrap wrap_of(images::KeyWrap wrap) {
  switch (wrap) {
    case images::KeyWrap::rsa2048_oaep:
      return core::Wrap::rsa2048;
    case images::KeyWrap::aes_kw:
      return core::Wrap::aes_kw;
    case images::KeyWrap::ecies_p256:
      return core::Wrap::ec256;
    case images::KeyWrap::ecies_x25519:
      return core::Wrap::x25519;
    case images::KeyWrap::ecies_x25519_sha512:
      return core::Wrap::x25519_sha512;
  }
  return core::Wrap::unknown;
}

inline Sample sample_of(const std::string& path) {
  Sample sample{read_file(path), {}, {}};
  const images::MemorySource source(sample.file);
  const auto image = images::read_structure(source).value();
  sample.plaintext = image.digest;
  sample.sealing.wrap = wrap_of(image.content_key->wrap);
  sample.sealing.key_bits = image.cipher == images::ContentCipher::aes128_ctr ? 128 : 256;
  sample.sealing.offset = image.content_key->offset;
  sample.sealing.size = static_cast<std::uint32_t>(image.content_key->size);
  return sample;
}

inline Sample mcuboot_sample(const std::string& name) {
  return sample_of(vector_path(name + ".bin"));
}

/// A SUIT payload, encrypted by an author with `algorithm` for `recipients` (cose::write_recipient()).
inline Sample suit_sample(std::int64_t algorithm, const ContentKey& key, std::span<const Bytes> recipients) {
  const auto rule = cose::find_algorithm(algorithm, cose::Purpose::content).value();
  Sample sample;
  sample.sealing.wrap = core::Wrap::cose;
  sample.sealing.key_bits = static_cast<unsigned>(rule.key_size * 8);
  sample.sealing.info = cose::write_encrypted(algorithm, random_bytes(rule.iv_size), recipients);
  const Bytes plain = random_bytes(100'000);
  sample.plaintext = Sha256::of(plain);
  cbor::Reader reader(sample.sealing.info);
  const auto message = cose::read_encrypted(reader).value();
  auto encryptor = Encryptor::start(message, key).value();
  const Sink sink = [&](ByteView piece) -> Result<void> {
    sample.file.insert(sample.file.end(), piece.begin(), piece.end());
    return {};
  };
  if (!encryptor.update(plain, sink) || !encryptor.finish(sink)) throw std::runtime_error("encrypt");
  return sample;
}

/// One gateway: a key, a state directory that stays over restarts, and its safe.
class SampleGateway {
 public:
  explicit SampleGateway(std::string pem, std::optional<Bytes> shared = std::nullopt)
      : pem_(std::move(pem)), shared_(std::move(shared)) {
    restart();
  }

  void restart() { opened_ = open().value(); }
  void restart_with(std::string pem) {
    pem_ = std::move(pem);
    restart();
  }
  [[nodiscard]] Result<KeySafe::Opened> open() {
    auto own = AgreementKey::from_pem(pem_).value();
    std::optional<WrapKey> shared;
    if (shared_) shared = WrapKey::from_bytes({}, *shared_).value();
    return KeySafe::open(std::make_unique<GatewayKeys>(std::move(own), std::move(shared)), state(), counters);
  }

  [[nodiscard]] const std::filesystem::path& state() const { return directory_.path(); }
  [[nodiscard]] const KeySafe::Opened& opened() const { return opened_; }
  KeySafe& safe() { return *opened_.safe; }

  Result<core::ContentKey> take_in(const Sample& sample) {
    return fakes::on_loop(loop_, safe().open_wrapped(sample.open(), sample.file.size(), sample.sealing, sample.digest(),
                                                     sample.plaintext));
  }
  Result<core::ContentKey> take_grant(const Sample& sample, ByteView encrypted_key) {
    auto key = run(safe().open_granted({encrypted_key.begin(), encrypted_key.end()}, sample.digest()));
    if (!key) return key;
    return fakes::on_loop(
        loop_, safe().check_granted(*key, sample.open(), sample.file.size(), sample.sealing, sample.plaintext));
  }
  Result<core::View> wrap(const core::ChildId& child, const core::ChildKey& child_key, const Sample& sample,
                          const core::ContentKey& key) {
    core::Prepare order{sample.digest(), sample.file.size(), sample.sealing, key, child_key};
    return fakes::on_loop(loop_, safe().wrap_for_child(child, std::move(order), sample.open()));
  }
  template <class T>
  T run(boost::asio::awaitable<T> work) {
    return fakes::on_loop(loop_, std::move(work));
  }

  ports::Counters counters;

 private:
  std::string pem_;
  std::optional<Bytes> shared_;
  fakes::TemporaryDirectory directory_;
  boost::asio::io_context loop_;
  KeySafe::Opened opened_;
};

}  // namespace hg::crypto
