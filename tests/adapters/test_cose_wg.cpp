// SPDX-License-Identifier: Apache-2.0
// The examples of the COSE working group (tests/vectors/suit/cose-wg), all of them: each file that kRefused does not
// name must read, verify or decrypt, and build the intermediate bytes that it gives; each that kRefused names must be
// refused for that reason. A new file is in one of the two sets, whether anybody thought of it or not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <map>

#include "adapters/crypto/content_cipher.hpp"
#include "adapters/crypto/content_keys.hpp"
#include "adapters/crypto/keys.hpp"
#include "cose/mac.hpp"
#include "cose/signed.hpp"
#include "crypto_samples.hpp"

namespace hg::crypto {
namespace {

namespace json = boost::json;

struct Refused {
  std::string_view file;  ///< a "*" at the end: all that begin so
  std::string_view why;   ///< a part of the reason
};

constexpr std::string_view kNoMac = "COSE_Mac is not accepted";
constexpr std::string_view kNoEncrypt0 = "COSE_Encrypt0 is not accepted";
constexpr std::string_view kNoTag = "no tagged COSE message";
constexpr std::string_view kDirect = "key wrap algorithm -6 is not accepted";
constexpr std::string_view kUnprotected = "no algorithm in the protected header";
constexpr std::string_view kExternal = "signature of key";  // covered by external_aad, which headgate has none of

constexpr Refused kRefused[] = {
    // Bad on purpose.
    {"sign-tests/sign-fail-01.json", "tag 998 is not accepted"},
    {"sign-tests/sign-fail-02.json", "no ES256 signature of key 11"},
    {"sign-tests/sign-fail-03.json", "signature algorithm -999 is not accepted"},
    {"sign-tests/sign-fail-04.json", "alg: "},
    {"sign-tests/sign-fail-06.json", "no ES256 signature of key 11"},
    {"sign-tests/sign-fail-07.json", "no ES256 signature of key 11"},
    {"sign1-tests/sign-fail-01.json", "tag 998 is not accepted"},
    {"sign1-tests/sign-fail-02.json", "no ES256 signature of key 11"},
    {"sign1-tests/sign-fail-03.json", "signature algorithm -999 is not accepted"},
    {"sign1-tests/sign-fail-04.json", "alg: "},
    {"sign1-tests/sign-fail-06.json", "no ES256 signature of key 11"},
    {"sign1-tests/sign-fail-07.json", "no ES256 signature of key 11"},
    {"mac0-tests/mac-fail-01.json", "tag 992 is not accepted"},
    {"mac0-tests/mac-fail-02.json", "no HMAC 256/256 MAC of any trusted key"},
    {"mac0-tests/mac-fail-03.json", "MAC algorithm -999 is not accepted"},
    {"mac0-tests/mac-fail-04.json", "alg: "},
    {"mac0-tests/mac-fail-06.json", "no HMAC 256/256 MAC of any trusted key"},
    {"mac0-tests/mac-fail-07.json", "no HMAC 256/256 MAC of any trusted key"},
    {"hmac-examples/HMac-enc-04.json", "no HMAC 256/256 MAC of any trusted key"},
    {"enveloped-tests/env-fail-01.json", "tag 995 is not accepted"},
    {"enveloped-tests/env-fail-03.json", "content algorithm -999 is not accepted"},
    {"enveloped-tests/env-fail-04.json", "alg: "},
    {"encrypted-tests/enc-fail-01.json", "tag 995 is not accepted"},
    // Good, but the algorithm is not protected: headgate does not believe it.
    {"sign1-tests/sign-pass-01.json", kUnprotected},
    {"mac0-tests/mac-pass-01.json", kUnprotected},
    {"mac0-tests/mac-pass-02.json", kUnprotected},  // and external_aad
    {"enveloped-tests/env-pass-01.json", kUnprotected},
    // Good, but without a tag.
    {"sign-tests/sign-pass-03.json", kNoTag},
    {"sign1-tests/sign-pass-03.json", kNoTag},
    {"mac0-tests/mac-pass-03.json", kNoTag},
    {"enveloped-tests/env-pass-03.json", kNoTag},
    {"encrypted-tests/enc-pass-03.json", kNoTag},
    // Good, but with external_aad.
    {"sign-tests/sign-pass-02.json", kExternal},
    {"sign1-tests/sign-pass-02.json", kExternal},
    // Messages that headgate has no use for.
    {"encrypted-tests/*", kNoEncrypt0},
    {"aes-gcm-examples/aes-gcm-enc-*", kNoEncrypt0},
    {"RFC8152/Appendix_C_4_*", kNoEncrypt0},
    {"hmac-examples/HMac-0*", kNoMac},
    {"aes-wrap-examples/aes-wrap-128-01.json", kNoMac},
    {"aes-wrap-examples/aes-wrap-128-02.json", kNoMac},
    {"aes-wrap-examples/aes-wrap-128-03.json", kNoMac},
    {"aes-wrap-examples/aes-wrap-192-01.json", kNoMac},
    {"aes-wrap-examples/aes-wrap-192-02.json", kNoMac},
    {"aes-wrap-examples/aes-wrap-192-03.json", kNoMac},
    {"aes-wrap-examples/aes-wrap-256-01.json", kNoMac},
    {"aes-wrap-examples/aes-wrap-256-02.json", kNoMac},
    {"aes-wrap-examples/aes-wrap-256-03.json", kNoMac},
    {"ecdh-wrap-examples/p256-wrap-128-03.json", kNoMac},
    {"ecdh-wrap-examples/p256-wrap-192-03.json", kNoMac},
    {"ecdh-wrap-examples/p256-wrap-256-03.json", kNoMac},
    {"ecdh-wrap-examples/p521-wrap-128-03.json", kNoMac},
    {"ecdh-wrap-examples/p521-wrap-192-03.json", kNoMac},
    {"ecdh-wrap-examples/p521-wrap-256-03.json", kNoMac},
    {"ecdh-wrap-examples/p256-ss-wrap-128-03.json", kNoMac},
    {"ecdh-wrap-examples/p256-ss-wrap-192-03.json", kNoMac},
    {"ecdh-wrap-examples/p256-ss-wrap-256-03.json", kNoMac},
    {"ecdh-wrap-examples/p521-ss-wrap-128-03.json", kNoMac},
    {"ecdh-wrap-examples/p521-ss-wrap-192-03.json", kNoMac},
    {"ecdh-wrap-examples/p521-ss-wrap-256-03.json", kNoMac},
    {"RFC8152/Appendix_C_5_*", kNoMac},
    // Algorithms that headgate has no use for: direct keys and agreement, ECDH-SS, ES512, Ed448, HSS-LMS, CCM, CBC-MAC,
    // cut HMAC.
    {"enveloped-tests/*", kDirect},
    {"aes-gcm-examples/aes-gcm-05.json", "a Partial IV is not accepted"},
    {"aes-gcm-examples/aes-gcm-0*", kDirect},
    {"ecdh-wrap-examples/p256-ss-wrap-128-*", "key wrap algorithm -32 is not accepted"},
    {"ecdh-wrap-examples/p256-ss-wrap-192-*", "key wrap algorithm -33 is not accepted"},
    {"ecdh-wrap-examples/p256-ss-wrap-256-*", "key wrap algorithm -34 is not accepted"},
    {"ecdh-wrap-examples/p521-ss-wrap-128-*", "key wrap algorithm -32 is not accepted"},
    {"ecdh-wrap-examples/p521-ss-wrap-192-*", "key wrap algorithm -33 is not accepted"},
    {"ecdh-wrap-examples/p521-ss-wrap-256-*", "key wrap algorithm -34 is not accepted"},
    {"ecdsa-examples/ecdsa-03.json", "signature algorithm -36 is not accepted"},
    {"ecdsa-examples/ecdsa-04.json", "signature algorithm -36 is not accepted"},
    {"ecdsa-examples/ecdsa-sig-03.json", "signature algorithm -36 is not accepted"},
    {"ecdsa-examples/ecdsa-sig-04.json", "signature algorithm -36 is not accepted"},
    {"eddsa-examples/eddsa-02.json", "EdDSA signature of 114 bytes, not 64"},
    {"eddsa-examples/eddsa-sig-02.json", "EdDSA signature of 114 bytes, not 64"},
    {"hashsig/*", "signature algorithm -46 is not accepted"},
    {"hmac-examples/HMac-enc-05.json", "MAC algorithm 4 is not accepted: HMAC 256/64, a tag cut to 8 bytes"},
    {"RFC8152/Appendix_B.json", "recipients of a recipient are not accepted"},
    {"RFC8152/Appendix_C_1_2.json", "signature algorithm -36 is not accepted"},  // the second signature
    {"RFC8152/Appendix_C_1_4.json", "a \"crit\" header"},
    {"RFC8152/Appendix_C_3_1.json", "key wrap algorithm -25 is not accepted"},
    {"RFC8152/Appendix_C_3_2.json", "content algorithm 10 is not accepted"},
    {"RFC8152/Appendix_C_3_3.json", "key wrap algorithm -25 is not accepted"},
    {"RFC8152/Appendix_C_3_4.json", "key wrap algorithm -3"},
    {"RFC8152/Appendix_C_6_1.json", "MAC algorithm 15 is not accepted"},
};

bool is_named(std::string_view file, std::string_view pattern) {
  return pattern.ends_with('*') ? file.starts_with(pattern.substr(0, pattern.size() - 1)) : file == pattern;
}

// ------------------------------------------------------------------------------------------- keys of the examples

Bytes from_base64url(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  Bytes bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    bits = (bits << 6) | static_cast<std::uint32_t>(kAlphabet.find(c));
    if ((count += 6) < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<std::uint8_t>(bits >> count));
  }
  return bytes;
}

/// A member that is given as "name" in base64url or as "name_hex"; empty if it is neither.
Bytes member(const json::object& key, const std::string& name) {
  if (const auto* text = key.if_contains(name)) return from_base64url(text->as_string());
  if (const auto* digits = key.if_contains(name + "_hex")) return from_hex(digits->as_string()).value();
  return {};
}

cose::Curve curve_of(const json::object& key) {
  static const std::map<std::string, cose::Curve, std::less<>> kCurves = {{"P-256", cose::Curve::p256},
                                                                          {"P-384", cose::Curve::p384},
                                                                          {"P-521", cose::Curve::p521},
                                                                          {"Ed25519", cose::Curve::ed25519}};
  const auto* name = key.if_contains("crv");
  const auto found = name != nullptr ? kCurves.find(std::string_view(name->as_string())) : kCurves.end();
  return found != kCurves.end() ? found->second : cose::Curve::none;
}

std::string kid_of(const json::object& key) {
  const auto* kid = key.if_contains("kid");
  return kid != nullptr ? std::string(kid->as_string()) : "unnamed";
}

/// Keys of curves that headgate does not take stay outside: then the algorithm is what is refused.
void add_public_key(Keys& keys, const json::object& key) {
  const cose::Curve curve = curve_of(key);
  if (curve == cose::Curve::none) return;
  const Bytes x = member(key, "x");
  const Bytes y = member(key, "y");
  static_cast<void>(keys.add_cose_key(kid_of(key), cose::write_key({curve, x, y, 0})));
}

AgreementKey agreement_key(const json::object& key) {
  const std::map<cose::Curve, int> nids = {{cose::Curve::p256, NID_X9_62_prime256v1},
                                           {cose::Curve::p521, NID_secp521r1}};
  return AgreementKey::from_pem(ec_private_pem(nids.at(curve_of(key)), member(key, "d")), kid_of(key)).value();
}

// ------------------------------------------------------------------------------------------------- one example

/// Reads, verifies or decrypts the message of one file; empty if all is well, else why not.
class Example {
 public:
  explicit Example(const std::string& path) {
    const Bytes bytes = read_file(path);
    file_ = json::parse(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())).as_object();
    message_ = from_hex(file_.at("output").at("cbor").as_string()).value();
    plaintext_ = as_bytes(input().at("plaintext").as_string());
  }

  [[nodiscard]] bool must_fail() const { return file_.contains("fail") && file_.at("fail").as_bool(); }

  [[nodiscard]] std::string outcome() const {
    Result<void> result = input().contains("sign") || input().contains("sign0") ? verify()
                          : input().contains("mac") || input().contains("mac0") ? verify_mac()
                                                                                : decrypt_all();
    return result ? std::string() : result.error().message;
  }

 private:
  [[nodiscard]] const json::object& input() const { return file_.at("input").as_object(); }
  [[nodiscard]] const json::object& intermediates() const { return file_.at("intermediates").as_object(); }

  [[nodiscard]] Result<void> verify() const {
    cbor::Reader reader(message_);
    const auto read = cose::read_signed(reader);
    if (!read) return read.error();
    EXPECT_TRUE(reader.at_end());
    if (!must_fail()) {
      EXPECT_THAT(read->payload.value(), testing::ElementsAreArray(plaintext_));
    }
    for (std::size_t i = 0; i < read->signatures.size(); ++i) {
      const cose::Signature& each = read->signatures[i];
      const Bytes covered = cose::to_be_signed(each, *read->payload);
      const auto maker = signers_of().verify(each.algorithm, each.key_id, covered, each.signature);
      if (!maker) return maker.error();
      const json::value& given = input().contains("sign") ? intermediates().at("signers").at(i) : intermediates();
      EXPECT_EQ(to_hex(covered), lower(given.at("ToBeSign_hex").as_string()));
    }
    return {};
  }

  [[nodiscard]] Keys& signers_of() const {
    if (keys_) return *keys_;
    keys_ = std::make_unique<Keys>();
    if (input().contains("sign0")) {
      add_public_key(*keys_, input().at("sign0").at("key").as_object());
    } else {
      for (const json::value& each : input().at("sign").at("signers").as_array()) {
        add_public_key(*keys_, each.at("key").as_object());
      }
    }
    return *keys_;
  }

  [[nodiscard]] Result<void> verify_mac() const {
    cbor::Reader reader(message_);
    const auto read = cose::read_mac0(reader);
    if (!read) return read.error();
    EXPECT_THAT(read->payload.value(), testing::ElementsAreArray(plaintext_));
    const json::object& key = input().at("mac0").at("recipients").at(0).at("key").as_object();
    Keys keys;
    EXPECT_TRUE(keys.add_mac_key(kid_of(key), member(key, "k")));
    const Bytes covered = cose::to_be_maced(*read, *read->payload);
    const auto maker = keys.verify_mac(read->algorithm, read->key_id, covered, read->tag);
    if (!maker) return maker.error();
    EXPECT_EQ(to_hex(covered), lower(intermediates().at("ToMac_hex").as_string()));
    return {};
  }

  [[nodiscard]] Result<void> decrypt_all() const {
    cbor::Reader reader(message_);
    const auto read = cose::read_encrypted(reader);
    if (!read) return read.error();
    for (std::size_t i = 0; i < read->recipients.size(); ++i) {
      const auto content = unwrap_for(*read, i);
      if (!content) return content.error();
      EXPECT_EQ(to_hex(content->bytes()), lower(intermediates().at("CEK_hex").as_string()));
      const auto plaintext = decrypt(*read, *content, read->ciphertext.value());
      if (!plaintext) return plaintext.error();
      EXPECT_THAT(*plaintext, testing::ElementsAreArray(plaintext_));
    }
    EXPECT_EQ(to_hex(cose::additional_data(*read)), lower(intermediates().at("AAD_hex").as_string()));
    return {};
  }

  [[nodiscard]] Result<ContentKey> unwrap_for(const cose::Encrypted& message, std::size_t index) const {
    const json::object& key = input().at("enveloped").at("recipients").at(index).at("key").as_object();
    if (key.at("kty").as_string() == "oct") {
      return unwrap(message, WrapKey::from_bytes(kid_of(key), member(key, "k")).value());
    }
    const json::value& given = intermediates().at("recipients").at(index);
    EXPECT_EQ(to_hex(cose::kdf_context(message.recipients[index], {})), lower(given.at("Context_hex").as_string()));
    return unwrap(message, agreement_key(key), {});
  }

  static std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](char c) { return static_cast<char>(c >= 'A' && c <= 'F' ? c + 32 : c); });
    return out;
  }

  json::object file_;
  Bytes message_;
  ByteView plaintext_;
  mutable std::unique_ptr<Keys> keys_;
};

std::vector<std::string> all_files() {
  std::vector<std::string> files;
  const std::string root = suit_vector("cose-wg");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path().lexically_relative(root).string());
  }
  std::ranges::sort(files);
  return files;
}

TEST(CoseWorkingGroup, EveryFileIsGoodOrRefusedForItsReason) {
  std::map<std::string_view, int> used;
  int good = 0;
  const std::vector<std::string> files = all_files();
  EXPECT_EQ(files.size(), 150U);
  for (const std::string& file : files) {
    SCOPED_TRACE(file);
    const Example example(suit_vector("cose-wg/" + file));
    const std::string why_not = example.outcome();
    const auto* refused =
        std::ranges::find_if(kRefused, [&](const Refused& each) { return is_named(file, each.file); });
    if (refused == std::end(kRefused)) {
      EXPECT_FALSE(example.must_fail());
      EXPECT_EQ(why_not, "");
      ++good;
    } else {
      EXPECT_THAT(why_not, testing::HasSubstr(std::string(refused->why)));
      ++used[refused->file];
    }
  }
  for (const Refused& each : kRefused) EXPECT_GT(used[each.file], 0) << each.file << " names no file";
  EXPECT_EQ(good, 33);
}

}  // namespace
}  // namespace hg::crypto
