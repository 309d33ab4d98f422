// SPDX-License-Identifier: Apache-2.0
// Records that a program wrote which shares no code with us, for the tests of trust: what our tables say of drafts,
// they say of real signatures and of the formats of docs/trust.md.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "adapters/crypto/keys.hpp"
#include "core/trust_draft.hpp"

namespace hg::trust::draft {

/// Runs tests/author/trust_author.py, which shares no code with us, in a directory of its own. The words of its JSON
/// are put together here: rita and rolf are root keys (P-256 and Ed25519), anna is an author, hugo a head key, dora a
/// director.
class AuthoredTrust : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "headgate-trust-XXXXXX";
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
    run(R"(make_keys '{"rita.pem": "ESP256", "rolf.pem": "Ed25519", "ruth.pem": "ESP384", "anna.pem": "ESP256",
        "hugo.pem": "ESP256", "dora.pem": "ESP256", "gate.pem": "ESP256"}')");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void run(const std::string& words) const {
    const std::string command =
        "cd " + directory_ + " && /usr/bin/python3 -B " HEADGATE_SOURCE_DIR "/tests/author/trust_author.py " + words;
    ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(concurrency-mt-unsafe): one thread
  }

  /// `damage` is "" for a good one.
  [[nodiscard]] Bytes author(const std::string& what, const std::string& arguments, const std::string& damage) const {
    const std::string spoilt = damage.empty() ? "" : R"(, "damage": ")" + damage + '"';
    run(what + " '{" + arguments + spoilt + "}' -o out");
    std::ifstream file(directory_ + "/out", std::ios::binary);
    EXPECT_TRUE(file);
    return Bytes(std::istreambuf_iterator<char>(file), {});
  }

  static std::string keys_of(const std::string& second_root_key) {
    const auto one = [](const std::string& name, const std::string& role) {
      return R"({"name": ")" + name + R"(", "pem": ")" + name + R"(.pem", "roles": [")" + role + R"("])";
    };
    return R"("keys": [)" + one("dora", "director") + "}, " + one("hugo", "head") + "}, " + one("anna", "author") +
           R"(, "prefixes": ["acme/"], "not_before": 1, "not_after": 4102444800, "offline": true}, )" +
           one(second_root_key, "root") + "}, " + one("rita", "root") + "}]";
  }

  [[nodiscard]] Bytes root(const std::string& signers = R"("rita.pem", "rolf.pem")",
                           const std::string& damage = "") const {
    return author("root",
                  keys_of("rolf") + R"(, "version": 3, "issued": 1728000000, "thresholds": {"root": 2},
                  "products": [{"prefix": "acme/", "threshold": 1, "offline": 1}], "sign": [)" +
                      signers + "]",
                  damage);
  }

  [[nodiscard]] std::unique_ptr<Authority> authority() const {
    auto made = Authority::from_first_root(root(), maker_);
    EXPECT_TRUE(made) << made.error().message;
    return std::move(made).value();
  }

  [[nodiscard]] Bytes head(const std::string& damage = "", const std::string& signer = "hugo") const {
    const std::string manifest(64, '3');
    return author("head",
                  R"("channel": "stable", "version": 5, "issued": 1728000000, "expires": 1728086400, "entries": [
                  {"product": "acme/boiler", "sequence": 7, "manifest": ")" +
                      manifest + R"(", "minimum": 4}], "sign": [")" + signer + R"(.pem"])",
                  damage);
  }

  [[nodiscard]] Result<Head> open_head(ByteView bytes) const {
    const auto parsed = Record::parse(bytes);
    if (!parsed) return parsed.error();
    return authority_->open_head(*parsed, kNow, nullptr);
  }

  void know_a_root() { authority_ = authority(); }

  inline static const TrustedTime kNow = on(Instant(std::chrono::seconds(1728000100)));
  crypto::RingMaker maker_;
  std::unique_ptr<Authority> authority_;
  std::string directory_;
};

}  // namespace hg::trust::draft
