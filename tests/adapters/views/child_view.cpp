// SPDX-License-Identifier: Apache-2.0
// Makes what children get of a shared file, for a judge that shares no code with us (test_mcuboot_views.py):
//   child_view view   IMAGE KEY (CHILD OUT)...   a MCUboot image, its wrapped key opened by KEY
//   child_view clear  IMAGE     (CHILD OUT)...   a --clear one, encrypted under a fresh key
//   child_view record INFO KEY  (CHILD OUT)...   the delivery records for a SUIT_Encryption_Info
// KEY is a PEM file with a private key, CHILD one with a public key; either may be "hex:..." for a shared key. Prints
// the digest of each view, and last how often the head of the image was read.
#include <openssl/rand.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

#include "adapters/crypto/delivery_record.hpp"
#include "adapters/crypto/mcuboot_payload.hpp"
#include "adapters/crypto/mcuboot_wraps.hpp"
#include "adapters/crypto/view_digest.hpp"

namespace {

using hg::Bytes;
using hg::core::Patch;
using hg::core::Wrap;
using hg::crypto::AgreementKey;
using hg::crypto::ContentKey;
using hg::crypto::RecipientKey;
using hg::crypto::WrapKey;
using hg::images::KeyWrap;
using hg::images::McubootImage;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "child_view: %s\n", what.c_str());
  std::exit(1);
}

template <class T>
T taken(hg::Result<T> result) {
  if (!result) fail(result.error().message);
  return std::move(*result);
}

Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const Bytes& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) fail(path + " cannot be written");
}

std::string as_text(const Bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

bool is_shared(const std::string& word) {
  return word.starts_with("hex:");
}

WrapKey shared_key(const std::string& word) {
  const auto bytes = hg::from_hex(word.substr(4));
  if (!bytes) fail("no hexadecimal digits");
  return taken(WrapKey::from_bytes("shared", *bytes));
}

AgreementKey own_key(const std::string& path) {
  return taken(AgreementKey::from_pem(as_text(read_file(path))));
}

RecipientKey child_key(const std::string& path) {
  return taken(RecipientKey::from_pem(as_text(read_file(path))));
}

Wrap kind_of(const McubootImage& image) {
  switch (image.content_key->wrap) {
    case KeyWrap::rsa2048_oaep:
      return Wrap::rsa2048;
    case KeyWrap::aes_kw:
      return Wrap::aes_kw;
    case KeyWrap::ecies_p256:
      return Wrap::ec256;
    case KeyWrap::ecies_x25519:
      return Wrap::x25519;
    case KeyWrap::ecies_x25519_sha512:
      return Wrap::x25519_sha512;
  }
  return Wrap::unknown;
}

/// A shared file, its content key, and where that stands in it.
struct Sealed {
  Bytes bytes;
  McubootImage image;
  ContentKey key;
};

McubootImage structure_of(const Bytes& bytes) {
  McubootImage image = taken(hg::images::read_structure(hg::images::MemorySource(bytes)));
  if (!image.content_key) fail("no wrapped content key");
  return image;
}

/// Opened with the key of whoever it was made for, which the payload must bear out.
Sealed open_sealed(const std::string& path, const std::string& key_word) {
  Bytes bytes = read_file(path);
  McubootImage image = structure_of(bytes);
  const hg::ByteView wrapped = hg::ByteView(bytes).subspan(image.content_key->offset, image.content_key->size);
  ContentKey key =
      taken(is_shared(key_word) ? hg::crypto::open_mcuboot_wrap(kind_of(image), wrapped, shared_key(key_word))
                                : hg::crypto::open_mcuboot_wrap(kind_of(image), wrapped, own_key(key_word)));
  const hg::images::MemorySource file(bytes);
  if (taken(hg::crypto::digest_decrypted(file, image, key)) != image.digest) fail("not what was signed");
  return {std::move(bytes), std::move(image), std::move(key)};
}

Sealed seal_clear(const std::string& path) {
  const Bytes clear = read_file(path);
  McubootImage image = structure_of(clear);
  hg::Secret secret(image.cipher == hg::images::ContentCipher::aes128_ctr ? 16 : 32);
  if (RAND_priv_bytes(secret.data(), static_cast<int>(secret.size())) != 1) fail("no random bytes");
  ContentKey key(std::move(secret));
  Bytes bytes;
  const hg::crypto::Sink sink = [&bytes](hg::ByteView piece) -> hg::Result<void> {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return {};
  };
  const hg::images::MemorySource file(clear);
  if (auto done = hg::crypto::encrypt_payload(file, image, key, sink); !done) fail(done.error().message);
  return {std::move(bytes), std::move(image), std::move(key)};
}

void write_views(const Sealed& sealed, std::span<const std::string> words) {
  hg::ports::Counters counters;
  hg::crypto::ViewDigests digests(counters);
  const hg::Digest name = hg::crypto::Sha256::of(sealed.bytes);
  const hg::images::MemorySource file(sealed.bytes);
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    Patch patch{sealed.image.content_key->offset,
                taken(is_shared(words[i])
                          ? hg::crypto::make_mcuboot_wrap(kind_of(sealed.image), sealed.key, shared_key(words[i]))
                          : hg::crypto::make_mcuboot_wrap(kind_of(sealed.image), sealed.key, child_key(words[i])))};
    Bytes view = sealed.bytes;
    std::ranges::copy(patch.bytes, view.begin() + static_cast<std::ptrdiff_t>(patch.offset));
    std::printf("%s\n", taken(digests.digest_of(name, file, {&patch, 1})).hex().c_str());
    write_file(words[i + 1], view);
  }
  std::printf("heads %llu\n", static_cast<unsigned long long>(counters.now().image_heads_hashed));
}

void write_records(const std::string& path, const std::string& key_word, std::span<const std::string> words) {
  const Bytes info = read_file(path);
  hg::cbor::Reader reader(info);
  const auto message = taken(hg::cose::read_encrypted(reader));
  const ContentKey key = taken(is_shared(key_word) ? hg::crypto::unwrap(message, shared_key(key_word))
                                                   : hg::crypto::unwrap(message, own_key(key_word)));
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    write_file(words[i + 1],
               taken(is_shared(words[i]) ? hg::crypto::make_delivery_record(message, key, shared_key(words[i]))
                                         : hg::crypto::make_delivery_record(message, key, child_key(words[i]))));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::span<const std::string> rest(words);
  if (words.size() >= 3 && words[0] == "view") {
    write_views(open_sealed(words[1], words[2]), rest.subspan(3));
  } else if (words.size() >= 2 && words[0] == "clear") {
    write_views(seal_clear(words[1]), rest.subspan(2));
  } else if (words.size() >= 3 && words[0] == "record") {
    write_records(words[1], words[2], rest.subspan(3));
  } else {
    fail("view IMAGE KEY | clear IMAGE | record INFO KEY, then CHILD OUT for each child");
  }
  return 0;
}
