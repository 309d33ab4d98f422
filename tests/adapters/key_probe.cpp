// SPDX-License-Identifier: Apache-2.0
// The safe of keys as the daemon opens it, in a process that tests can look into: opens it from settings of [keys],
// then carries out one line of stdin after the other and answers each with one line.
//
//   key_probe STATE [gateway_credential=NAME] [gateway_key=URI] [openssl_provider=NAME] [shared_credential=NAME]
//   take IMAGE             key FINGERPRINT          wrap IMAGE CHILD_PEM   view OFFSET HEX DIGEST
//   secret USE FILE        taken ID                 prove CHILD_PEM        proof HEX
//   plant FILE             planted (keeps the bytes on the heap)           provider  NAME (of SHA-256)
#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <iostream>
#include <map>
#include <sstream>

#include "adapters/crypto/locked_memory.hpp"
#include "app/key_safe.hpp"
#include "fakes/on_loop.hpp"
#include "images/mcuboot.hpp"
#include "safe_samples.hpp"

namespace {

using hg::Bytes;
using hg::Result;
namespace crypto = hg::crypto;
namespace core = hg::core;

constexpr const char* kChild = "boiler-1";

/// Without a stream, whose buffer would keep a copy.
hg::Secret read_secret(const std::string& path) {
  const hg::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  hg::Secret buffer(4096);
  const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
  return hg::Secret(buffer.view().first(size > 0 ? static_cast<std::size_t>(size) : 0));
}

class Probe {
 public:
  explicit Probe(std::unique_ptr<crypto::KeySafe> safe) : safe_(std::move(safe)) {}

  Result<std::string> obey(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    std::string first;
    std::string second;
    words >> verb >> first >> second;
    if (verb == "take") return take(first);
    if (verb == "wrap") return wrap(first, second);
    if (verb == "secret") return secret(first, second);
    if (verb == "prove") return prove(first);
    if (verb == "plant") return plant(first);
    if (verb == "provider") return provider();
    return hg::Error{hg::Errc::invalid, "what is " + verb};
  }

 private:
  Result<core::ContentKey> open(const crypto::Sample& sample) {
    return hg::fakes::on_loop(loop_, safe_->open_wrapped(sample.open(), sample.file.size(), sample.sealing,
                                                         sample.digest(), sample.plaintext));
  }
  Result<std::string> take(const std::string& image) {
    const auto key = open(crypto::sample_of(image));
    if (!key) return key.error();
    return "key " + key->fingerprint.hex();
  }
  Result<std::string> wrap(const std::string& image, const std::string& pem) {
    const crypto::Sample sample = crypto::sample_of(image);
    const auto key = open(sample);
    if (!key) return key.error();
    const auto child = safe_->take_child_key(kChild, core::KeyUse::wrap, "", crypto::read_file(pem));
    if (!child) return child.error();
    core::Prepare order{sample.digest(), sample.file.size(), sample.sealing, *key, *child};
    const auto view = hg::fakes::on_loop(loop_, safe_->wrap_for_child(kChild, std::move(order), sample.open()));
    if (!view) return view.error();
    const core::Patch& patch = view->patches.at(0);
    return "view " + std::to_string(patch.offset) + " " + hg::to_hex(patch.bytes) + " " + view->digest.hex();
  }
  Result<std::string> secret(const std::string& use, const std::string& path) {
    const hg::Secret material = read_secret(path);
    const auto key = safe_->take_child_key(kChild, core::key_use_from(use).value(), "k1", material.view());
    if (!key) return key.error();
    return "taken " + key->id.hex();
  }
  Result<std::string> prove(const std::string& pem) {
    const auto child = safe_->take_child_key(kChild, core::KeyUse::identify, "k1", crypto::read_file(pem));
    if (!child) return child.error();
    const auto proof = hg::fakes::on_loop(loop_, safe_->proof(kChild, *child, Bytes(32, 1), {"pump", Bytes(32, 2)}));
    if (!proof) return proof.error();
    return "proof " + hg::to_hex(*proof);
  }
  Result<std::string> plant(const std::string& path) {
    planted_ = crypto::read_file(path);
    return std::string("planted");
  }
  static Result<std::string> provider() {
    EVP_MD* hash = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    const std::string name = OSSL_PROVIDER_get0_name(EVP_MD_get0_provider(hash));
    EVP_MD_free(hash);
    return name;
  }

  boost::asio::io_context loop_;
  std::unique_ptr<crypto::KeySafe> safe_;
  Bytes planted_;
};

int fail(const hg::Error& error) {
  std::cout << "error " << hg::name_of(error.code) << ": " << error.message << std::endl;
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (!crypto::wipe_what_openssl_frees()) return fail({hg::Errc::internal, "OpenSSL was there before main()"});
  hg::app::KeysConfig keys;
  const std::map<std::string, std::string*> settings = {{"gateway_credential", &keys.gateway_credential},
                                                        {"gateway_key", &keys.gateway_key},
                                                        {"openssl_provider", &keys.openssl_provider},
                                                        {"shared_credential", &keys.shared_credential}};
  for (int i = 2; i < count; ++i) {
    const std::string setting = arguments[i];
    const std::size_t equals = setting.find('=');
    *settings.at(setting.substr(0, equals)) = setting.substr(equals + 1);
  }
  hg::ports::Counters counters;
  auto opened = hg::app::open_key_safe(keys, arguments[1], counters);
  if (!opened) return fail(opened.error());
  std::cout << (opened->has_new_store_key ? "new " : "kept ") << opened->safe->gateway().hex() << std::endl;
  Probe probe(std::move(opened->safe));
  for (std::string line; std::getline(std::cin, line);) {
    const auto answer = probe.obey(line);
    if (answer) std::cout << *answer << std::endl;
    if (!answer) fail(answer.error());
  }
  return 0;
}
