// SPDX-License-Identifier: Apache-2.0
// The ports::KeySafe over OpenSSL: the gateway's keys and the store key in locked memory, what they open only for as
// long as a call lasts. Whole images are read on a thread of its own. Made by app.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <memory>

#include "adapters/crypto/child_key_material.hpp"
#include "adapters/crypto/gateway_keys.hpp"
#include "adapters/crypto/store_key.hpp"
#include "adapters/crypto/view_digest.hpp"
#include "ports/counters.hpp"
#include "ports/key_safe.hpp"

namespace hg::crypto {

class KeySafe final : public ports::KeySafe {
 public:
  struct Opened {
    std::unique_ptr<KeySafe> safe;
    /// Nothing that was sealed before opens any more: content keys must be granted again, children's secrets set again.
    bool has_new_store_key = false;
    /// What the file of the store key that did not open was renamed to; empty: there was none.
    std::filesystem::path moved_aside{};
  };
  /// Locks memory and opens or makes the store key in `state`. `counters` outlive this. Errors: denied (memory cannot
  /// be locked), unavailable (the gateway's key does not work at the moment), io.
  static Result<Opened> open(std::unique_ptr<GatewayKeys> keys, const std::filesystem::path& state,
                             ports::Counters& counters);
  ~KeySafe() override { thread_.join(); }

  [[nodiscard]] Digest gateway() const override { return keys_->id(); }
  [[nodiscard]] boost::asio::awaitable<Result<core::ContentKey>> open_wrapped(UniqueFd image, std::uint64_t size,
                                                                              core::Sealing sealing, Digest sealed,
                                                                              Digest plaintext) override;
  [[nodiscard]] boost::asio::awaitable<Result<core::ContentKey>> open_granted(Bytes encrypted_key,
                                                                              Digest sealed) override;
  [[nodiscard]] boost::asio::awaitable<Result<core::ContentKey>> check_granted(core::ContentKey key, UniqueFd image,
                                                                               std::uint64_t size,
                                                                               core::Sealing sealing,
                                                                               Digest plaintext) override;
  [[nodiscard]] boost::asio::awaitable<Result<Encrypted>> encrypt_clear(UniqueFd image, std::uint64_t size,
                                                                        core::Sealing sealing,
                                                                        Digest plaintext) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> fill_encrypted(core::ContentKey key, UniqueFd image,
                                                                    std::uint64_t size, core::Sealing sealing,
                                                                    ports::Intake& into) override;
  [[nodiscard]] boost::asio::awaitable<Result<core::View>> wrap_for_child(core::ChildId child, core::Prepare order,
                                                                          UniqueFd image) override;
  [[nodiscard]] bool is_sealed_here(const core::ContentKey& key) const override;
  [[nodiscard]] bool is_sealed_here(const core::ChildId& child, const core::ChildKey& secret) const override;
  [[nodiscard]] Result<core::ChildKey> take_child_key(const core::ChildId& child, core::KeyUse use, std::string name,
                                                      ByteView material) override;
  [[nodiscard]] boost::asio::awaitable<Result<core::ChildKey>> take_listed_key(core::ChildId child, core::KeyUse use,
                                                                               std::string name, Bytes public_half,
                                                                               Bytes wrapped_secret) override;
  [[nodiscard]] Result<Secret> reveal_link_key(const core::ChildId& child, const core::ChildKey& key) const override;
  [[nodiscard]] Result<Bytes> nonce() override;
  [[nodiscard]] Result<ports::KitEvidence> check_evidence(const core::ChildId& child, const core::ChildKey& key,
                                                          ByteView nonce, ByteView evidence) override;
  [[nodiscard]] boost::asio::awaitable<Result<Bytes>> proof(core::ChildId child, core::ChildKey key, Bytes nonce,
                                                            ports::KitEvidence evidence) override;

 private:
  KeySafe(std::unique_ptr<GatewayKeys> keys, StoreKey store_key, ports::Counters& counters)
      : keys_(std::move(keys)), store_key_(std::move(store_key)), counters_(counters), view_digests_(counters) {}

  /// Calls `work`, which answers a Result, on the thread.
  template <class Work>
  auto on_thread(Work work) -> boost::asio::awaitable<decltype(work())>;

  [[nodiscard]] Result<core::ContentKey> sealed_key(const ContentKey& key, const Digest& image,
                                                    const Digest& plaintext) const;
  [[nodiscard]] Result<ContentKey> opened_key(const core::ContentKey& key, const Digest& image) const;
  [[nodiscard]] Result<core::ChildKey> kept_key(const core::ChildId& child, core::KeyUse use, std::string name,
                                                Result<ChildKeyMaterial> material) const;
  [[nodiscard]] Result<ChildKeyMaterial> read_listed_key(core::KeyUse use, ByteView public_half,
                                                         ByteView wrapped_secret) const;
  [[nodiscard]] Result<Bytes> make_proof(const core::ChildId& child, const core::ChildKey& key, ByteView nonce,
                                         const ports::KitEvidence& evidence) const;
  [[nodiscard]] Result<Secret> secret_of(const core::ChildId& child, const core::ChildKey& key) const;
  /// Errc::mismatch, if the key decrypts the image to something else.
  [[nodiscard]] Result<void> check_plaintext(const ContentKey& key, const images::Source& image,
                                             const core::Sealing& sealing, const Digest& plaintext);
  [[nodiscard]] Result<ContentKey> open_in(const images::Source& image, const core::Sealing& sealing);
  [[nodiscard]] Result<core::View> view_for(const core::ChildId& child, const core::Prepare& order,
                                            const images::Source& image);

  std::unique_ptr<GatewayKeys> keys_;
  StoreKey store_key_;
  ports::Counters& counters_;
  ViewDigests view_digests_;
  boost::asio::thread_pool thread_{1};
};

}  // namespace hg::crypto
