// SPDX-License-Identifier: Apache-2.0
// A blob store in memory: intakes and blobs are memfds, so that descriptors behave as those of files do. A power cut
// takes the unsealed intakes. The digest is OpenSSL's own, not that of the code under test. Held to the same cases as
// the real one by tests/contract; tests that use it link OpenSSL::Crypto.
#pragma once

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "ports/blobs.hpp"

namespace hg::fakes {

inline Digest sha256_of(ByteView bytes) {
  std::array<std::uint8_t, 32> digest{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return *Digest::from_bytes(digest);
}

class MemoryBlobs final : public ports::Blobs {
 public:
  explicit MemoryBlobs(std::uint64_t limit = 1ULL << 30) : store_(std::make_shared<Store>()) { store_->limit = limit; }

  [[nodiscard]] bool has(const Digest& digest) const override { return store_->sealed.contains(digest); }

  [[nodiscard]] Result<std::unique_ptr<ports::Intake>> receive(const Digest& digest, std::uint64_t size) override {
    const bool is_full = store_->is_full && store_->is_full();
    if (is_full || store_->used + store_->reserved + size > store_->limit) {
      return Error{Errc::no_space, "image of " + std::to_string(size) + " bytes: the store is full"};
    }
    UniqueFd file(::memfd_create("intake", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file) return from_errno(errno, "memfd_create");
    return std::unique_ptr<ports::Intake>(new Intake(store_, digest, size, std::move(file)));
  }

  [[nodiscard]] Result<UniqueFd> open(const Digest& digest) const override {
    const auto found = store_->sealed.find(digest);
    if (found == store_->sealed.end()) return Error{Errc::not_found, "image " + digest.hex() + ": not in the store"};
    const std::string path = "/proc/self/fd/" + std::to_string(found->second.get());
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return from_errno(errno, "open image");
    return file;
  }

  [[nodiscard]] Result<void> remove(const Digest& digest) override {
    const auto found = store_->sealed.find(digest);
    if (found == store_->sealed.end()) return {};
    store_->used -= static_cast<std::uint64_t>(::lseek(found->second.get(), 0, SEEK_END));
    store_->sealed.erase(found);
    return {};
  }

  [[nodiscard]] std::uint64_t used() const override { return store_->used; }
  [[nodiscard]] std::uint64_t limit() const override { return store_->limit; }

  // ------------------------------------------------------------------------------------------------ for the test

  /// The next append() or seal() of any intake fails with `error`.
  void fail_append(Error error) { store_->append_error = std::move(error); }
  void fail_seal(Error error) { store_->seal_error = std::move(error); }

  /// While it says so, nothing comes in: Errc::no_space.
  void full_while(std::function<bool()> is_full) { store_->is_full = std::move(is_full); }

  /// A blob that is there without having come in.
  Digest put(ByteView bytes) {
    const Digest digest = sha256_of(bytes);
    auto intake = receive(digest, bytes.size()).value();
    (void)intake->append(bytes);
    static_cast<Intake&>(*intake).keep();
    return digest;
  }
  [[nodiscard]] std::size_t count() const { return store_->sealed.size(); }

 private:
  struct Store {
    std::map<Digest, UniqueFd> sealed;
    std::uint64_t used = 0;
    std::uint64_t reserved = 0;  // by intakes under way
    std::uint64_t limit = 0;
    std::function<bool()> is_full;
    std::optional<Error> append_error;
    std::optional<Error> seal_error;
  };

  class Intake final : public ports::Intake {
   public:
    Intake(std::shared_ptr<Store> store, const Digest& digest, std::uint64_t size, UniqueFd file)
        : store_(std::move(store)), digest_(digest), size_(size), file_(std::move(file)) {
      store_->reserved += size_;
    }
    Intake(const Intake&) = delete;
    Intake& operator=(const Intake&) = delete;
    ~Intake() override { store_->reserved -= size_; }

    [[nodiscard]] Result<void> append(ByteView bytes) override {
      if (store_->is_full && store_->is_full()) return Error{Errc::no_space, "image: the disk is full"};
      if (store_->append_error) return *std::exchange(store_->append_error, std::nullopt);
      if (bytes.size() > size_ - received_) return Error{Errc::too_large, "more bytes than were signed"};
      if (::write(file_.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
        return from_errno(errno, "write to memfd");
      }
      received_ += bytes.size();
      return {};
    }
    [[nodiscard]] std::uint64_t received() const override { return received_; }
    [[nodiscard]] int descriptor() const override { return file_.get(); }

    [[nodiscard]] boost::asio::awaitable<Result<void>> seal() override {
      co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
      if (store_->seal_error) co_return *std::exchange(store_->seal_error, std::nullopt);
      if (received_ != size_) co_return Error{Errc::mismatch, "image: fewer bytes than were signed"};
      Bytes content(size_);
      if (::pread(file_.get(), content.data(), content.size(), 0) != static_cast<ssize_t>(content.size())) {
        co_return from_errno(errno, "read memfd");
      }
      if (sha256_of(content) != digest_) co_return Error{Errc::mismatch, "image: not the digest that was signed"};
      keep();
      co_return Result<void>{};
    }

    void keep() {
      ::fcntl(file_.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
      if (store_->sealed.emplace(digest_, UniqueFd(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0))).second) {
        store_->used += size_;
      }
    }

   private:
    std::shared_ptr<Store> store_;
    Digest digest_;
    std::uint64_t size_;
    UniqueFd file_;
    std::uint64_t received_ = 0;
  };

  std::shared_ptr<Store> store_;
};

}  // namespace hg::fakes
