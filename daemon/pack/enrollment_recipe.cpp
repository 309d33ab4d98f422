// SPDX-License-Identifier: Apache-2.0
// make_enrollment(): which children stand behind gateways, from a TOML recipe; the keys are described in
// headgate-pack(1). Secrets come from files and leave wrapped for the one gateway of the list.
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>

#include "adapters/crypto/child_key_material.hpp"
#include "adapters/crypto/public_keys.hpp"
#include "pack/files.hpp"
#include "pack/random.hpp"
#include "pack/ring.hpp"
#include "pack/toml_table.hpp"
#include "pack/wraps.hpp"
#include "pack/write_record.hpp"
#include "trust/enrollment_list.hpp"

namespace hg::pack {

namespace {

constexpr std::size_t kGcmIvBytes = 12;

using Gateway = std::optional<crypto::RecipientKey>;

std::string_view text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class T, class Write>
Result<Bytes> der_of(T* thing, Write write) {
  unsigned char* raw = nullptr;
  const int size = write(thing, &raw);
  if (size <= 0) return Error{Errc::internal, "write DER"};
  Bytes der(raw, raw + size);
  OPENSSL_free(raw);
  return der;
}

Result<Bytes> certificate_in(const Bytes& pem) {
  const std::unique_ptr<BIO, int (*)(BIO*)> memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  const std::unique_ptr<X509, void (*)(X509*)> found(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr),
                                                     X509_free);
  if (!found) return Error{Errc::invalid, "no certificate"};
  return der_of(found.get(), i2d_X509);
}

/// A public key or certificate in PEM, as DER.
Result<Bytes> read_public_half(const std::filesystem::path& path) {
  const Result<Bytes> pem = read_file(path);
  if (!pem) return pem.error();
  const bool is_certificate = text_of(*pem).find("-----BEGIN CERTIFICATE-----") != std::string_view::npos;
  if (is_certificate) {
    auto der = certificate_in(*pem);
    return der ? der : der.error().within(path.string());
  }
  const auto key = crypto::key_from_pem(text_of(*pem));
  if (!key) return key.error().within(path.string());
  return der_of(key->get(), i2d_PUBKEY);
}

/// A passkey in the form that it has in a list; everything else as it is.
Bytes listed_form(const std::string& use, Bytes secret) {
  ByteView text = secret;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text = text.first(text.size() - 1);
  if (use != "link" || !crypto::is_passkey(text)) return secret;
  Bytes listed(text.begin(), text.end());
  listed.resize(crypto::kListedPasskey);
  wipe(secret);
  return listed;
}

/// A COSE_Encrypt whose content key is the secret: its cipher says how long that is, and encrypts nothing.
Result<Bytes> wrap_secret(const std::string& use, const std::filesystem::path& path, const Gateway& gateway) {
  constexpr std::int64_t kAes128Gcm = 1;
  constexpr std::int64_t kAes256Gcm = 3;
  if (!gateway) return Error{Errc::invalid, "a secret needs the list's gateway"};
  Result<Bytes> secret = read_secret(path, {16, 32});
  if (!secret) return secret.error();
  *secret = listed_form(use, std::move(*secret));
  if (secret->size() != 16 && secret->size() != 32) {
    wipe(*secret);
    return Error{
        Errc::invalid,
        path.string() + ": a secret in a list has 16 or 32 bytes, or is the six decimal digits of a link's passkey"};
  }
  const std::int64_t cipher = secret->size() == 16 ? kAes128Gcm : kAes256Gcm;
  const crypto::ContentKey key{Secret(*secret)};
  wipe(*secret);
  const Result<Bytes> recipient = crypto::wrap(key, *gateway);
  if (!recipient) return recipient;
  const Result<Bytes> iv = random_bytes(kGcmIvBytes);
  if (!iv) return iv;
  return cose::write_encrypted(cipher, *iv, std::span(&*recipient, 1));
}

trust::ListedKey read_key(Table& table, const Gateway& gateway) {
  constexpr std::array<std::string_view, trust::kListedUses> kUses{"wrap", "identify", "link"};
  trust::ListedKey key;
  const std::string use = table.required_text("use");
  const auto* const found = std::find(kUses.begin(), kUses.end(), use);
  if (found == kUses.end()) {
    table.complain("use", "must be \"wrap\", \"identify\" or \"link\"");
  } else {
    key.use = static_cast<trust::ListedUse>(found - kUses.begin());
  }
  key.name = table.text("kid").value_or("");
  if (table.has("file") == table.has("secret")) table.complain("file", "one of file and secret must be there");
  if (table.has("file")) key.public_half = table.value_of("file", read_public_half(table.required_file("file")));
  if (table.has("secret"))
    key.wrapped_secret = table.value_of("secret", wrap_secret(use, table.required_file("secret"), gateway));
  return key;
}

trust::ListedTarget read_target(Table& table) {
  constexpr std::uint64_t kLastImage = 15;
  const std::uint64_t image_number = table.number("image").value_or(0);
  if (image_number > kLastImage) table.complain("image", "must be 0 to 15");
  return {table.required_text("name"), static_cast<std::uint8_t>(image_number)};
}

trust::ListedChild read_child(Table& table, const Gateway& gateway) {
  trust::ListedChild child;
  child.id = table.required_text("id");
  child.transport = table.required_text("transport");
  child.address = table.required_text("address");
  child.profile = table.text("profile").value_or("mcuboot-swap");
  child.vendor = crypto::uuid_from(table.required_text("vendor"), crypto::kDnsNamespace);
  child.device_class = crypto::uuid_from(table.required_text("class"), child.vendor);
  for (Table& target : table.tables("target")) child.targets.push_back(read_target(target));
  for (Table& key : table.tables("key")) child.keys.push_back(read_key(key, gateway));
  if (table.has("group") || table.has("layout") || table.has("role"))
    child.membership = trust::ListedMembership{table.required_text("group"), table.required_text("layout"),
                                               table.required_text("role")};
  return child;
}

Result<trust::EnrollmentList> read_recipe(const std::filesystem::path& path) {
  Result<Table> top = Table::read(path);
  if (!top) return top.error();
  trust::EnrollmentList list;
  list.name = top->required_text("name");
  list.version = top->required_number("version");
  list.not_after = top->date("not-after");
  Gateway gateway;
  if (top->has("gateway")) {
    Result<crypto::RecipientKey> key = read_recipient(top->required_file("gateway"));
    if (!key) return key.error();
    gateway.emplace(std::move(*key));
    list.gateway = Digest::from_bytes(gateway->key_id()).value();
  }
  for (Table& table : top->tables("child")) list.children.push_back(read_child(table, gateway));
  list.forgets = top->texts("forgets");
  if (const Result<void> done = top->finish(); !done) return done.error();
  return list;
}

}  // namespace

Result<void> make_enrollment(const EnrollmentOptions& options) {
  const Result<trust::EnrollmentList> list = read_recipe(options.recipe);
  if (!list) return list.error();
  const Bytes payload = trust::write_enrollment_list(*list);
  if (const auto read = trust::read_enrollment_list(payload); !read)
    return read.error().within(options.recipe.string());
  return write_record(trust::RecordKind::enrollment, payload, options);
}

}  // namespace hg::pack
