// SPDX-License-Identifier: Apache-2.0
// One download that may break off and is taken up again where it stopped, with a bound on attempts that bring
// nothing. Where the bytes go is the landing's business; ingest makes the landings and calls this.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "ports/blobs.hpp"
#include "ports/clock.hpp"
#include "ports/fetcher.hpp"

namespace hg::service {

/// Touched by the fetcher's thread while a fetch runs, and by the loop between two fetches; never by both.
class Landing {
 public:
  virtual ~Landing() = default;
  virtual Result<void> append(ByteView bytes) = 0;
  /// Forgets what was received.
  virtual Result<void> restart() = 0;
  [[nodiscard]] virtual std::uint64_t received() const = 0;
  /// More bytes than this are refused.
  [[nodiscard]] virtual std::uint64_t limit() const = 0;
};

/// A small thing in memory: an envelope.
class MemoryLanding final : public Landing {
 public:
  explicit MemoryLanding(std::uint64_t limit) : limit_(limit) {}
  Result<void> append(ByteView bytes) override;
  Result<void> restart() override;
  [[nodiscard]] std::uint64_t received() const override { return bytes_.size(); }
  [[nodiscard]] std::uint64_t limit() const override { return limit_; }
  [[nodiscard]] Bytes take() { return std::move(bytes_); }

 private:
  std::uint64_t limit_;
  Bytes bytes_;
};

/// An image on its way into the blob store.
class BlobLanding final : public Landing {
 public:
  BlobLanding(ports::Blobs& blobs, const Digest& digest, std::uint64_t size)
      : blobs_(blobs), digest_(digest), size_(size) {}
  /// Must be called, and succeed, before anything else.
  Result<void> restart() override;
  Result<void> append(ByteView bytes) override { return intake_->append(bytes); }
  [[nodiscard]] std::uint64_t received() const override { return intake_->received(); }
  [[nodiscard]] std::uint64_t limit() const override { return size_; }
  [[nodiscard]] ports::Intake& intake() { return *intake_; }

 private:
  ports::Blobs& blobs_;
  Digest digest_;
  std::uint64_t size_;
  std::unique_ptr<ports::Intake> intake_;
};

struct Persistence {
  unsigned attempts = 8;                    ///< in a row that bring nothing
  Duration pause{std::chrono::seconds{1}};  ///< before the second attempt; doubles, at most a minute
};

/// Told now and then, on the loop.
using DownloadProgress = std::function<void(std::uint64_t done)>;

/// Errors: those of Fetcher::fetch that another attempt does not mend, the last one when the attempts are used up, and
/// those of the landing.
boost::asio::awaitable<Result<void>> download(ports::Fetcher& fetcher, ports::Clock& clock,
                                              std::shared_ptr<Landing> landing, std::string url,
                                              Persistence persistence, DownloadProgress progress);

/// The same for a small thing, of at most `limit` bytes.
boost::asio::awaitable<Result<Bytes>> download_small(ports::Fetcher& fetcher, ports::Clock& clock, std::string url,
                                                     std::uint64_t limit, Persistence persistence);

}  // namespace hg::service
