// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/key_safe.hpp"

#include <openssl/rand.h>

#include <new>

#include "adapters/crypto/content_cipher.hpp"
#include "adapters/crypto/delivery_record.hpp"
#include "adapters/crypto/kit_identity.hpp"
#include "adapters/crypto/locked_memory.hpp"
#include "adapters/crypto/mcuboot_payload.hpp"
#include "adapters/crypto/mcuboot_wraps.hpp"
#include "adapters/crypto/public_keys.hpp"
#include "adapters/crypto/signatures.hpp"
#include "adapters/crypto/store_key_file.hpp"
#include "adapters/on_pool.hpp"

namespace hg::crypto {
namespace {

namespace asio = boost::asio;
using core::KeyKind;
using core::Wrap;

constexpr std::string_view kContentKind = "content key";
constexpr std::string_view kChildKind = "child key";
constexpr std::size_t kNonce = 32;
constexpr std::uint32_t kMostWrapped = 1024;  // bytes; MCUboot's longest is below 256
constexpr unsigned kBitsPerByte = 8;

/// What a sealed content key is bound to.
Bytes content_purpose(const Digest& image) {
  Bytes purpose;
  cbor::Writer(purpose).array(2).text(kContentKind).bytes(image.bytes());
  return purpose;
}

/// What a sealed secret of a child is bound to.
Bytes child_purpose(const core::ChildId& child, core::KeyUse use) {
  Bytes purpose;
  cbor::Writer(purpose).array(3).text(kChildKind).text(child).text(core::name_of(use));
  return purpose;
}

Result<cose::Encrypted> read_info(const core::Sealing& sealing) {
  cbor::Reader reader(sealing.info);
  auto info = cose::read_encrypted(reader);
  if (!info) return info.error().within("encryption info");
  if (auto finished = reader.finish(); !finished) return finished.error().within("encryption info");
  return info;
}

Result<Bytes> read_wrapped(const images::Source& image, const core::Sealing& sealing) {
  const bool is_inside = sealing.size > 0 && sealing.size <= kMostWrapped && sealing.size <= image.size() &&
                         sealing.offset <= image.size() - sealing.size;
  if (!is_inside) return Error{Errc::invalid, "the place of the wrapped key is not within the image"};
  Bytes wrapped(sealing.size);
  if (auto read = image.read_at(sealing.offset, wrapped); !read) return read.error();
  return wrapped;
}

/// The digest by which the plaintext is signed: of MCUboot's the running one, else SHA-256.
Result<Digest> plaintext_digest(const images::Source& image, const core::Sealing& sealing, const ContentKey& key) {
  if (sealing.wrap == Wrap::cose) {
    const auto info = read_info(sealing);
    if (!info) return info.error();
    return digest_decrypted(*info, key, image);
  }
  const auto structure = images::read_structure(image);
  if (!structure) return structure.error();
  return digest_decrypted(image, *structure, key);
}

std::string shorten(const Digest& digest) {
  return digest.hex().substr(0, 12);
}

/// Wraps the content key, in the way of the image, for whichever kind of key.
template <class Key>
Result<core::View> wrap_as(const core::Sealing& sealing, const ContentKey& content, const Key& key) {
  core::View view;
  if (sealing.wrap == Wrap::cose) {
    const auto info = read_info(sealing);
    if (!info) return info.error();
    auto record = make_delivery_record(*info, content, key);
    if (!record) return record.error();
    view.record = std::move(*record);
    return view;
  }
  auto wrapped = make_mcuboot_wrap(sealing.wrap, content, key);
  if (!wrapped) return wrapped.error();
  if (wrapped->size() != sealing.size) {
    return Error{Errc::invalid, "the image has room for a wrapped key of " + std::to_string(sealing.size) +
                                    " bytes, this one has " + std::to_string(wrapped->size())};
  }
  view.patches.push_back({sealing.offset, std::move(*wrapped)});
  return view;
}

Result<KitAlgorithm> kit_algorithm_of(const core::ChildKey& key) {
  if (key.kind == KeyKind::hmac) return KitAlgorithm::hmac_sha256;
  if (key.kind == KeyKind::p256) return KitAlgorithm::es256;
  if (key.kind == KeyKind::ed25519) return KitAlgorithm::eddsa;
  return Error{Errc::unsupported, "nobody identifies with a key of the kind " + std::string(core::name_of(key.kind))};
}

cose::Algorithm rule_of(KitAlgorithm algorithm) {
  const auto purpose = algorithm == KitAlgorithm::hmac_sha256 ? cose::Purpose::mac : cose::Purpose::signature;
  return *cose::find_algorithm(static_cast<std::int64_t>(algorithm), purpose);
}

}  // namespace

Result<KeySafe::Opened> KeySafe::open(std::unique_ptr<GatewayKeys> keys, const std::filesystem::path& state,
                                      ports::Counters& counters) {
  if (auto locked = lock_key_memory(); !locked) return locked.error();
  auto kept = keep_store_key(state, keys->own());
  if (!kept) return kept.error().within("store key");
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): the constructor is private
  std::unique_ptr<KeySafe> safe(new KeySafe(std::move(keys), std::move(kept->key), counters));
  return Opened{std::move(safe), kept->is_new, std::move(kept->moved_aside)};
}

template <class Work>
auto KeySafe::on_thread(Work work) -> asio::awaitable<decltype(work())> {
  auto guarded = [work = std::move(work)]() mutable -> decltype(work()) {
    try {
      return work();
    } catch (const std::bad_alloc&) {
      return Error{Errc::internal, "no memory for keys"};
    }
  };
  co_return co_await adapters::on_pool(thread_, std::move(guarded));
}

// ------------------------------------------------------------------------------------------------------- content keys

Result<core::ContentKey> KeySafe::sealed_key(const ContentKey& key, const Digest& image,
                                             const Digest& plaintext) const {
  auto sealed = store_key_.seal(key.bytes(), content_purpose(image));
  if (!sealed) return sealed.error();
  const auto fingerprint = store_key_.fingerprint(key.bytes(), kContentKind);
  if (!fingerprint) return fingerprint.error();
  return core::ContentKey{image, std::move(*sealed), *fingerprint, plaintext};
}

Result<ContentKey> KeySafe::opened_key(const core::ContentKey& key, const Digest& image) const {
  auto secret = store_key_.open(key.sealed, content_purpose(image));
  if (!secret) return secret.error().within("content key of " + shorten(image));
  return ContentKey(std::move(*secret));
}

Result<ContentKey> KeySafe::open_in(const images::Source& image, const core::Sealing& sealing) {
  ++counters_.content_keys_opened;
  if (sealing.wrap == Wrap::cose) return keys_->open(sealing.info);
  const auto wrapped = read_wrapped(image, sealing);
  if (!wrapped) return wrapped.error();
  return keys_->open(sealing.wrap, *wrapped);
}

Result<void> KeySafe::check_plaintext(const ContentKey& key, const images::Source& image, const core::Sealing& sealing,
                                      const Digest& plaintext) {
  if (plaintext.empty() && sealing.wrap != Wrap::cose) {
    return Error{Errc::invalid, "the digest of the plain image is not known"};
  }
  ++counters_.images_hashed;
  const auto found = plaintext_digest(image, sealing, key);
  const bool is_other = found ? !plaintext.empty() && *found != plaintext : found.error().code == Errc::unauthenticated;
  if (is_other) return Error{Errc::mismatch, "the content key opens, and the payload is not what was signed"};
  if (!found) return found.error();
  return {};
}

asio::awaitable<Result<core::ContentKey>> KeySafe::open_wrapped(UniqueFd image, std::uint64_t size,
                                                                core::Sealing sealing, Digest sealed,
                                                                Digest plaintext) {
  const auto shared = std::make_shared<UniqueFd>(std::move(image));
  auto work = [=, this, sealing = std::move(sealing)]() -> Result<core::ContentKey> {
    const images::FileSource source(shared->get(), size);
    const auto key = open_in(source, sealing);
    if (!key) return key.error();
    if (auto checked = check_plaintext(*key, source, sealing, plaintext); !checked) return checked.error();
    return sealed_key(*key, sealed, plaintext.empty() ? sealed : plaintext);
  };
  co_return co_await on_thread(std::move(work));
}

asio::awaitable<Result<core::ContentKey>> KeySafe::open_granted(Bytes encrypted_key, Digest sealed) {
  auto work = [this, encrypted_key = std::move(encrypted_key), sealed]() -> Result<core::ContentKey> {
    ++counters_.content_keys_opened;
    const auto key = keys_->open(encrypted_key);
    if (!key) return key.error();
    return sealed_key(*key, sealed, {});
  };
  co_return co_await on_thread(std::move(work));
}

asio::awaitable<Result<core::ContentKey>> KeySafe::check_granted(core::ContentKey key, UniqueFd image,
                                                                 std::uint64_t size, core::Sealing sealing,
                                                                 Digest plaintext) {
  const auto shared = std::make_shared<UniqueFd>(std::move(image));
  auto work = [=, this, key = std::move(key), sealing = std::move(sealing)]() mutable -> Result<core::ContentKey> {
    const images::FileSource source(shared->get(), size);
    const auto opened = opened_key(key, key.image);
    if (!opened) return opened.error();
    if (auto checked = check_plaintext(*opened, source, sealing, plaintext); !checked) return checked.error();
    key.plaintext = plaintext.empty() ? key.image : plaintext;
    return std::move(key);
  };
  co_return co_await on_thread(std::move(work));
}

asio::awaitable<Result<KeySafe::Encrypted>> KeySafe::encrypt_clear(UniqueFd image, std::uint64_t size,
                                                                   core::Sealing sealing, Digest plaintext) {
  const auto shared = std::make_shared<UniqueFd>(std::move(image));
  auto work = [=, this, sealing = std::move(sealing)]() -> Result<Encrypted> {
    const images::FileSource source(shared->get(), size);
    const auto structure = images::read_structure(source);
    if (!structure) return structure.error();
    Secret bytes(sealing.key_bits / kBitsPerByte);
    if (RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return openssl_failure("random bytes");
    const ContentKey key(std::move(bytes));
    Sha256 hash;
    const auto take = [&hash](ByteView piece) -> Result<void> {
      hash.update(piece);
      return {};
    };
    ++counters_.images_hashed;
    if (auto done = encrypt_payload(source, *structure, key, take); !done) return done.error();
    auto kept = sealed_key(key, hash.finish(), plaintext);
    if (!kept) return kept.error();
    return Encrypted{std::move(*kept), size};
  };
  co_return co_await on_thread(std::move(work));
}

asio::awaitable<Result<void>> KeySafe::fill_encrypted(core::ContentKey key, UniqueFd image, std::uint64_t size,
                                                      core::Sealing /*sealing*/, ports::Intake& into) {
  const auto shared = std::make_shared<UniqueFd>(std::move(image));
  auto work = [=, this, &into, key = std::move(key)]() -> Result<void> {
    const images::FileSource source(shared->get(), size);
    const auto structure = images::read_structure(source);
    if (!structure) return structure.error();
    const auto opened = opened_key(key, key.image);
    if (!opened) return opened.error();
    const auto take = [&into](ByteView piece) { return into.append(piece); };
    return encrypt_payload(source, *structure, *opened, take);
  };
  co_return co_await on_thread(std::move(work));
}

Result<core::View> KeySafe::view_for(const core::ChildId& child, const core::Prepare& order,
                                     const images::Source& image) {
  const auto content = opened_key(order.content_key, order.image);
  if (!content) return content.error();
  const core::ChildKey& key = order.child_key;
  const auto wrap_it = [&]() -> Result<core::View> {
    if (key.kind == KeyKind::p256 || key.kind == KeyKind::x25519) {
      const auto recipient = RecipientKey::from_spki(key.value, Bytes(key.name.begin(), key.name.end()));
      if (!recipient) return recipient.error();
      return wrap_as(order.sealing, *content, *recipient);
    }
    if (key.kind == KeyKind::aes) {
      const auto secret = secret_of(child, key);
      if (!secret) return secret.error();
      const auto shared = WrapKey::from_bytes(key.name, secret->view());
      if (!shared) return shared.error();
      return wrap_as(order.sealing, *content, *shared);
    }
    return Error{Errc::unsupported, "nothing is wrapped for a key of the kind " + std::string(core::name_of(key.kind))};
  };
  auto view = wrap_it();
  if (!view) return view.error().within("wrap for " + child);
  ++counters_.keys_wrapped;
  const auto digest = view_digests_.digest_of(order.image, image, view->patches);
  if (!digest) return digest.error().within("wrap for " + child);
  view->digest = *digest;
  view->key = key.id;
  return view;
}

asio::awaitable<Result<core::View>> KeySafe::wrap_for_child(core::ChildId child, core::Prepare order, UniqueFd image) {
  const auto shared = std::make_shared<UniqueFd>(std::move(image));
  auto work = [=, this, child = std::move(child), order = std::move(order)] {
    return view_for(child, order, images::FileSource(shared->get(), order.size));
  };
  co_return co_await on_thread(std::move(work));
}

// --------------------------------------------------------------------------------------------------- keys of children

Result<core::ChildKey> KeySafe::take_child_key(const core::ChildId& child, core::KeyUse use, std::string name,
                                               ByteView material) {
  return kept_key(child, use, std::move(name), read_child_key(use, material));
}

Result<ChildKeyMaterial> KeySafe::read_listed_key(core::KeyUse use, ByteView public_half,
                                                  ByteView wrapped_secret) const {
  if (public_half.empty() == wrapped_secret.empty()) {
    return Error{Errc::invalid, "not exactly one of a public half and a wrapped secret"};
  }
  if (!public_half.empty()) return read_public_child_key(use, public_half);
  if (wrapped_secret.size() > kMostKeyMaterial) return Error{Errc::too_large, "a key of more than 16 KiB"};
  const auto secret = keys_->open(wrapped_secret);
  if (!secret) return secret.error();
  return read_secret_child_key(use, Secret(secret->bytes()));
}

asio::awaitable<Result<core::ChildKey>> KeySafe::take_listed_key(core::ChildId child, core::KeyUse use,
                                                                 std::string name, Bytes public_half,
                                                                 Bytes wrapped_secret) {
  auto work = [=, this, child = std::move(child), name = std::move(name), public_half = std::move(public_half),
               wrapped_secret = std::move(wrapped_secret)] {
    return kept_key(child, use, name, read_listed_key(use, public_half, wrapped_secret));
  };
  co_return co_await on_thread(std::move(work));
}

Result<core::ChildKey> KeySafe::kept_key(const core::ChildId& child, core::KeyUse use, std::string name,
                                         Result<ChildKeyMaterial> read) const {
  const std::string doing = "key of " + child;
  if (!read) return read.error().within(doing);
  if (read->kind == KeyKind::psk && name.empty()) name = child;
  if (auto named = check_key_name(use, read->kind, name); !named) return named.error().within(doing);
  core::ChildKey key{use, read->kind, read->id, std::move(name), std::move(read->value)};
  if (!core::is_secret(key.kind)) return key;
  // There are few passkeys, and many children may have the same: whose it is goes in, so that no two can be compared.
  const std::string kind = read->kind == KeyKind::passkey ? "passkey of " + child : std::string(kChildKind);
  const auto fingerprint = store_key_.fingerprint(read->secret.view(), kind);
  if (!fingerprint) return fingerprint.error().within(doing);
  auto sealed = store_key_.seal(read->secret.view(), child_purpose(child, use));
  if (!sealed) return sealed.error().within(doing);
  key.id = *fingerprint;
  key.value = std::move(*sealed);
  return key;
}

bool KeySafe::is_sealed_here(const core::ContentKey& key) const {
  return static_cast<bool>(opened_key(key, key.image));
}

bool KeySafe::is_sealed_here(const core::ChildId& child, const core::ChildKey& secret) const {
  return static_cast<bool>(secret_of(child, secret));
}

Result<Secret> KeySafe::secret_of(const core::ChildId& child, const core::ChildKey& key) const {
  auto secret = store_key_.open(key.value, child_purpose(child, key.use));
  if (!secret) return secret.error().within("key of " + child);
  return secret;
}

Result<Secret> KeySafe::reveal_link_key(const core::ChildId& child, const core::ChildKey& key) const {
  const bool is_secret = key.kind == KeyKind::psk || key.kind == KeyKind::passkey;
  if (key.use != core::KeyUse::link || !is_secret) {
    return Error{Errc::unsupported, "key of " + child + ": only the PSK or the passkey of a link is handed out"};
  }
  try {
    return secret_of(child, key);
  } catch (const std::bad_alloc&) {
    return Error{Errc::internal, "no memory for keys"};
  }
}

// ------------------------------------------------------------------------------------------------------- who is there

Result<Bytes> KeySafe::nonce() {
  Bytes bytes(kNonce);
  if (RAND_bytes(bytes.data(), kNonce) != 1) return openssl_failure("random bytes");
  return bytes;
}

Result<ports::KitEvidence> KeySafe::check_evidence(const core::ChildId& child, const core::ChildKey& key,
                                                   ByteView nonce, ByteView evidence) {
  const std::string doing = "identify " + child;
  const auto algorithm = kit_algorithm_of(key);
  if (!algorithm) return algorithm.error().within(doing);
  const cose::Algorithm rule = rule_of(*algorithm);
  Owned<EVP_PKEY> public_key;
  Secret secret(0);
  if (core::is_secret(key.kind)) {
    auto opened = secret_of(child, key);
    if (!opened) return opened.error();
    secret = std::move(*opened);
  } else {
    auto read = key_from_spki(key.value);
    if (!read) return read.error().within(doing);
    public_key = std::move(*read);
  }
  const auto is_of_child = [&](ByteView message, ByteView tag) {
    if (!public_key) return is_mac(rule, secret.view(), message, tag);
    ++counters_.signatures_verified;
    return is_signature(rule, public_key.get(), message, tag);
  };
  auto claims = read_evidence(evidence, nonce, *algorithm, key.name, is_of_child);
  if (!claims) return claims.error().within(doing);
  return ports::KitEvidence{std::move(claims->identity), std::move(claims->nonce)};
}

asio::awaitable<Result<Bytes>> KeySafe::proof(core::ChildId child, core::ChildKey key, Bytes nonce,
                                              ports::KitEvidence evidence) {
  auto work = [this, child = std::move(child), key = std::move(key), nonce = std::move(nonce),
               evidence = std::move(evidence)] { return make_proof(child, key, nonce, evidence); };
  co_return co_await on_thread(std::move(work));
}

Result<Bytes> KeySafe::make_proof(const core::ChildId& child, const core::ChildKey& key, ByteView nonce,
                                  const ports::KitEvidence& evidence) const {
  const std::string doing = "prove ourselves to " + child;
  const auto algorithm = kit_algorithm_of(key);
  if (!algorithm) return algorithm.error().within(doing);
  const KitClaims claims{evidence.identity, evidence.nonce};
  if (*algorithm == KitAlgorithm::hmac_sha256) {
    const auto secret = secret_of(child, key);
    if (!secret) return secret.error();
    const auto tag = mac(rule_of(*algorithm), secret->view(), proof_message(as_bytes(key.name), nonce, claims));
    if (!tag) return tag.error().within(doing);
    return proof_body(as_bytes(key.name), *tag);
  }
  if (*algorithm != KitAlgorithm::es256) {
    return Error{Errc::unsupported, "the child asks for Ed25519, and this gateway's key has none"}.within(doing);
  }
  const Digest id = keys_->id();
  const auto signature = keys_->sign(proof_message(id.bytes(), nonce, claims));
  if (!signature) return signature.error().within(doing);
  return proof_body(id.bytes(), *signature);
}

}  // namespace hg::crypto
