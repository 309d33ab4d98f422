// SPDX-License-Identifier: Apache-2.0
// Keys of children: what is taken for which use and what is refused by name, from an operator and from a signed list;
// and who is there, by each kind of key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include "adapters/crypto/kit_identity.hpp"
#include "adapters/crypto/signatures.hpp"
#include "plugins/page_examples.hpp"
#include "safe_samples.hpp"

namespace hg::crypto {
namespace {

using core::KeyKind;
using core::KeyUse;
using test::page_example;
using testing::HasSubstr;
using testing::Not;

const std::string kChild = "boiler-1";

std::string gateway_pem() {
  return text_of(read_file(vector_path("keys/gateway-enc-p256.pem")));
}

Owned<EVP_PKEY> key_of_type(const std::string& type) {
  return type == "RSA" ? Owned<EVP_PKEY>(EVP_RSA_gen(2048)) : make_key(type);
}

std::string public_pem(const std::string& type) {
  return public_pem_of(key_of_type(type).get());
}

/// Self-signed, in PEM.
std::string certificate(const std::string& type) {
  const Owned<EVP_PKEY> key = key_of_type(type);
  const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
  X509_set_pubkey(made.get(), key.get());
  X509_gmtime_adj(X509_getm_notBefore(made.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 1000);
  X509_sign(made.get(), key.get(), type == "ED25519" ? nullptr : EVP_sha256());
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), made.get());
  char* text = nullptr;
  const auto length = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

Bytes der_in(const std::string& pem) {
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  PEM_read_bio(bio.get(), &name, &header, &data, &size);
  Bytes der(data, data + size);
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
  return der;
}

class ChildKeys : public testing::Test {
 protected:
  Result<core::ChildKey> take(KeyUse use, std::string_view material, std::string name = "k1") {
    return gateway_.safe().take_child_key(kChild, use, std::move(name), as_bytes(material));
  }

  SampleGateway gateway_{gateway_pem()};
};

// ------------------------------------------------------------------------------------------------------- what is taken

TEST_F(ChildKeys, TheKindIsToldByUseAndForm) {
  struct Row {
    KeyUse use;
    std::string material;
    KeyKind kind;
  };
  const Row rows[] = {
      {KeyUse::wrap, public_pem("P-256"), KeyKind::p256},
      {KeyUse::wrap, public_pem("X25519"), KeyKind::x25519},
      {KeyUse::wrap, text_of(random_bytes(16)), KeyKind::aes},
      {KeyUse::wrap, text_of(random_bytes(32)), KeyKind::aes},
      {KeyUse::wrap, to_hex(random_bytes(16)), KeyKind::aes},
      {KeyUse::wrap, to_hex(random_bytes(32)) + "\n", KeyKind::aes},
      {KeyUse::identify, public_pem("P-256"), KeyKind::p256},
      {KeyUse::identify, public_pem("ED25519"), KeyKind::ed25519},
      {KeyUse::identify, text_of(random_bytes(32)), KeyKind::hmac},
      {KeyUse::identify, to_hex(random_bytes(32)) + "\r\n", KeyKind::hmac},
      {KeyUse::link, certificate("P-256"), KeyKind::certificate},
      {KeyUse::link, certificate("ED25519"), KeyKind::certificate},
      {KeyUse::link, text_of(random_bytes(16)), KeyKind::psk},
      {KeyUse::link, to_hex(random_bytes(64)), KeyKind::psk},
      {KeyUse::link, "042137", KeyKind::passkey},
      {KeyUse::link, "042137\n", KeyKind::passkey},
      {KeyUse::link, "000000\r\n", KeyKind::passkey},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(core::name_of(row.use)) + " " + std::string(core::name_of(row.kind)));
    const auto key = take(row.use, row.material);
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->use, row.use);
    EXPECT_EQ(key->kind, row.kind);
    EXPECT_EQ(key->name, "k1");
    EXPECT_EQ(key->id.bytes().size(), 32U);
    if (core::is_secret(row.kind)) {
      EXPECT_THAT(text_of(key->value), Not(HasSubstr(row.material.substr(0, 16))));
      EXPECT_THAT(text_of(key->value), Not(HasSubstr(row.material.substr(0, 6))));
    } else {
      EXPECT_EQ(key->value, der_in(row.material));
      EXPECT_EQ(key->id, Sha256::of(key->value));
    }
  }
}

TEST_F(ChildKeys, TheSameSecretHasTheSameIdInWhateverForm) {
  const Bytes secret = random_bytes(32);
  EXPECT_EQ(take(KeyUse::identify, text_of(secret))->id, take(KeyUse::identify, to_hex(secret))->id);
  EXPECT_NE(take(KeyUse::identify, text_of(secret))->id, take(KeyUse::identify, to_hex(random_bytes(32)))->id);
}

TEST_F(ChildKeys, WhatMustNotBeThereIsRefusedByName) {
  struct Row {
    KeyUse use;
    std::string material;
    std::string text;
    std::string name = "k1";
  };
  const Row rows[] = {
      {KeyUse::wrap, private_pem_of(make_key("P-256").get()), "a private key"},
      {KeyUse::link, certificate("P-256") + private_pem_of(make_key("P-256").get()), "a private key"},
      {KeyUse::wrap, public_pem("RSA"), "RSA"},
      {KeyUse::link, certificate("RSA"), "RSA"},
      {KeyUse::wrap, public_pem("ED25519"), "Ed25519"},
      {KeyUse::identify, public_pem("X25519"), "X25519"},
      {KeyUse::wrap, public_pem("P-384"), "P-384"},
      {KeyUse::link, public_pem("P-256"), "P-256"},
      {KeyUse::wrap, certificate("P-256"), "a certificate"},
      {KeyUse::wrap, public_pem("P-256") + public_pem("P-256"), "more than one"},
      {KeyUse::wrap, text_of(der_in(public_pem("P-256"))), "DER"},
      {KeyUse::wrap, "", "0 bytes"},
      {KeyUse::wrap, text_of(random_bytes(24)), "24 bytes"},
      {KeyUse::identify, text_of(random_bytes(16)), "16 bytes"},
      {KeyUse::link, text_of(random_bytes(15)), "15 bytes"},
      {KeyUse::link, text_of(random_bytes(65)), "65 bytes"},
      {KeyUse::link, text_of(random_bytes(65)), "16 to 64 secret bytes"},
      {KeyUse::link, "12345", "the six decimal digits of a passkey"},
      {KeyUse::link, "1234567", "7 bytes"},
      {KeyUse::link, "12345a", "6 bytes"},
      {KeyUse::link, "123 456", "7 bytes"},
      {KeyUse::link, " 123456", "7 bytes"},
      {KeyUse::identify, "123456", "6 bytes"},
      {KeyUse::wrap, "123456", "6 bytes"},
      {KeyUse::identify, std::string(64, '0'), "all the same"},
      {KeyUse::wrap, std::string(kMostKeyMaterial + 1, 'x'), "16 KiB"},
      {KeyUse::identify, to_hex(random_bytes(32)), "name", ""},
      {KeyUse::identify, to_hex(random_bytes(32)), "name", std::string(33, 'k')},
      {KeyUse::wrap, to_hex(random_bytes(32)), "name", "a b"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const auto key = take(row.use, row.material, row.name);
    ASSERT_FALSE(key);
    EXPECT_THAT(key.error().message, HasSubstr(row.text));
    EXPECT_THAT(key.error().message, HasSubstr(kChild));
    if (row.material.size() > 16) {
      EXPECT_THAT(key.error().message, Not(HasSubstr(row.material.substr(0, 16))));
    }
  }
}

TEST_F(ChildKeys, PasskeysOfTwoChildrenCannotBeCompared) {
  const auto of = [&](const std::string& child) {
    return gateway_.safe().take_child_key(child, KeyUse::link, {}, as_bytes(std::string_view("042137")))->id;
  };
  EXPECT_EQ(of("boiler-1"), of("boiler-1"));
  EXPECT_NE(of("boiler-1"), of("boiler-2"));
}

TEST_F(ChildKeys, AListBringsPublicHalvesAndWrappedSecrets) {
  const std::string pem = public_pem("P-256");
  const auto listed = [&](KeyUse use, const Bytes& public_half, const Bytes& wrapped) {
    return gateway_.run(gateway_.safe().take_listed_key(kChild, use, "k1", public_half, wrapped));
  };
  EXPECT_EQ(listed(KeyUse::wrap, der_in(pem), {})->id, take(KeyUse::wrap, pem)->id);
  const std::string cert = certificate("P-256");
  EXPECT_EQ(listed(KeyUse::link, der_in(cert), {})->id, take(KeyUse::link, cert)->id);
  EXPECT_FALSE(listed(KeyUse::link, der_in(pem), {}));
  EXPECT_FALSE(listed(KeyUse::wrap, der_in(cert), {}));

  const Bytes secret = random_bytes(32);
  const auto wrapped_for = [&](const std::string& recipient_pem, const Bytes& what) {
    const auto recipient = RecipientKey::from_pem(recipient_pem).value();
    const Bytes wrapped = wrap(ContentKey(Secret(what)), recipient).value();
    return cose::write_encrypted(what.size() == 16 ? 1 : 3, random_bytes(12), {&wrapped, 1});
  };
  const std::string own = public_pem_of(AgreementKey::from_pem(gateway_pem()).value().key());
  const auto key = listed(KeyUse::identify, {}, wrapped_for(own, secret));
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->id, take(KeyUse::identify, to_hex(secret))->id);
  EXPECT_EQ(listed(KeyUse::identify, {}, wrapped_for(pem, secret)).error().code, Errc::unauthenticated);
  Bytes digits(kListedPasskey);
  std::ranges::copy(as_bytes(std::string_view("042137")), digits.begin());
  const auto passkey = listed(KeyUse::link, {}, wrapped_for(own, digits));
  ASSERT_TRUE(passkey) << passkey.error().message;
  EXPECT_EQ(passkey->kind, KeyKind::passkey);
  EXPECT_EQ(passkey->id, take(KeyUse::link, "042137")->id);
  EXPECT_EQ(listed(KeyUse::identify, {}, wrapped_for(own, digits)).error().code, Errc::invalid);
  digits.back() = 1;
  EXPECT_EQ(listed(KeyUse::link, {}, wrapped_for(own, digits))->kind, KeyKind::psk);
  EXPECT_EQ(listed(KeyUse::identify, {}, {}).error().code, Errc::invalid);
  EXPECT_EQ(listed(KeyUse::identify, der_in(pem), wrapped_for(own, secret)).error().code, Errc::invalid);
}

// -------------------------------------------------------------------------------------------------------- who is there

TEST_F(ChildKeys, TheChildOfThePageIsKnownAndGetsTheProofOfThePage) {
  std::string secret;
  for (int i = 0; i < 32; ++i) secret.push_back(static_cast<char>(i));
  const core::ChildKey key = take(KeyUse::identify, secret).value();
  Bytes nonce;
  for (int i = 0x10; i < 0x20; ++i) nonce.push_back(static_cast<std::uint8_t>(i));
  const auto evidence = gateway_.safe().check_evidence(kChild, key, nonce, page_example("identify answer"));
  ASSERT_TRUE(evidence) << evidence.error().message;
  EXPECT_EQ(evidence->identity, "boiler-7");
  EXPECT_EQ(gateway_.run(gateway_.safe().proof(kChild, key, nonce, *evidence)).value(), page_example("prove request"));
  EXPECT_EQ(gateway_.counters.now().signatures_verified, 0U);

  const core::ChildKey other = take(KeyUse::identify, to_hex(random_bytes(32))).value();
  const auto wrong = gateway_.safe().check_evidence(kChild, other, nonce, page_example("identify answer"));
  EXPECT_EQ(wrong.error().code, Errc::unauthenticated);
  const auto moved = gateway_.safe().check_evidence("boiler-2", key, nonce, page_example("identify answer"));
  EXPECT_EQ(moved.error().code, Errc::unauthenticated);
}

/// The answer of a child that signs.
Bytes answer_by(EVP_PKEY* key, std::int64_t algorithm, std::string_view kid, ByteView nonce) {
  Bytes says;
  cbor::Writer(says)
      .map(6)
      .text("v")
      .uint(1)
      .text("id")
      .text("pump-2")
      .text("images")
      .array(0)
      .text("alg")
      .integer(algorithm)
      .text("kid")
      .bytes(as_bytes(kid))
      .text("nonce")
      .bytes(Bytes(32, 9));
  Bytes message;
  cbor::Writer(message).array(3).text("headgate child 1").bytes(nonce).bytes(says);
  const auto rule = cose::find_algorithm(algorithm, cose::Purpose::signature).value();
  Bytes body;
  cbor::Writer(body).map(2).text("says").bytes(says).text("mac").bytes(sign(rule, key, message).value());
  return body;
}

TEST_F(ChildKeys, AChildThatSignsIsKnownByItsPublicHalf) {
  const auto own = AgreementKey::from_pem(gateway_pem()).value();
  const std::pair<std::string, std::int64_t> rows[] = {{"P-256", -7}, {"ED25519", -8}};
  for (const auto& [type, algorithm] : rows) {
    SCOPED_TRACE(type);
    const Owned<EVP_PKEY> pair = make_key(type);
    const core::ChildKey key = take(KeyUse::identify, public_pem_of(pair.get())).value();
    const Bytes nonce = gateway_.safe().nonce().value();
    EXPECT_EQ(nonce.size(), 32U);
    const auto evidence =
        gateway_.safe().check_evidence(kChild, key, nonce, answer_by(pair.get(), algorithm, "k1", nonce));
    ASSERT_TRUE(evidence) << evidence.error().message;
    EXPECT_EQ(evidence->identity, "pump-2");
    const Bytes strange = answer_by(make_key(type).get(), algorithm, "k1", nonce);
    EXPECT_EQ(gateway_.safe().check_evidence(kChild, key, nonce, strange).error().code, Errc::unauthenticated);

    const auto proof = gateway_.run(gateway_.safe().proof(kChild, key, nonce, *evidence));
    if (type == "ED25519") {
      EXPECT_EQ(proof.error().code, Errc::unsupported);
      continue;
    }
    ASSERT_TRUE(proof) << proof.error().message;
    const Bytes id(own.key_id().bytes().begin(), own.key_id().bytes().end());
    const Bytes head = proof_body(id, Bytes(64));
    ASSERT_EQ(proof->size(), head.size());
    const ByteView signature = ByteView(*proof).last(64);
    const auto rule = cose::find_algorithm(-7, cose::Purpose::signature).value();
    const Bytes message = proof_message(id, nonce, {evidence->identity, evidence->nonce});
    EXPECT_TRUE(is_signature(rule, own.key(), message, signature));
  }
  EXPECT_EQ(gateway_.counters.now().signatures_verified, 4U);
}

/// Whether anything else had its turn on the loop while `work` was done.
template <class T>
boost::asio::awaitable<bool> leaves_the_loop_free(boost::asio::awaitable<T> work) {
  const auto had_a_turn = std::make_shared<bool>(false);
  auto take_turn = [had_a_turn] { *had_a_turn = true; };
  boost::asio::post(co_await boost::asio::this_coro::executor, take_turn);
  const T done = co_await std::move(work);
  co_return *had_a_turn;
}

/// A TPM takes its time, and a list may have many secrets.
TEST_F(ChildKeys, ThePrivateKeyIsAskedOffTheLoop) {
  KeySafe& safe = gateway_.safe();
  const core::ChildKey key = take(KeyUse::identify, public_pem("P-256")).value();
  EXPECT_TRUE(gateway_.run(leaves_the_loop_free(safe.proof(kChild, key, Bytes(32), {"pump-2", Bytes(16)}))));
  EXPECT_TRUE(gateway_.run(leaves_the_loop_free(safe.open_granted(Bytes(64), Digest{}))));
  EXPECT_TRUE(gateway_.run(leaves_the_loop_free(safe.take_listed_key(kChild, KeyUse::wrap, "k1", {}, Bytes(64)))));
}

TEST(ChildKeysOfX25519, AGatewayWhoseKeyDoesNotSignSaysSo) {
  SampleGateway gateway(text_of(read_file(vector_path("keys/gateway-enc-x25519.pem"))));
  const auto key = gateway.safe().take_child_key(kChild, KeyUse::identify, "k1", as_bytes(public_pem("P-256"))).value();
  const auto proof = gateway.run(gateway.safe().proof(kChild, key, Bytes(32), {"pump-2", Bytes(16)}));
  EXPECT_EQ(proof.error().code, Errc::unsupported);
  EXPECT_THAT(proof.error().message, HasSubstr("X25519"));
}

}  // namespace
}  // namespace hg::crypto
