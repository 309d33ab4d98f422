// SPDX-License-Identifier: Apache-2.0
#include "service/download.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

namespace hg::service {

namespace asio = boost::asio;

namespace {

constexpr Duration kLongestPause = std::chrono::minutes{1};
constexpr std::uint64_t kWorthAnAttempt = 64 * 1024;  // less than this brings no attempt back: a drip must end
constexpr std::uint64_t kProgressStep = 256 * 1024;

bool is_worth_another_try(const Error& error) {
  return error.is_transient() || error.code == Errc::mismatch;
}

/// Takes the pieces on the fetcher's thread and tells the loop of every 256 KiB.
ports::Fetcher::Sink sink_into(std::shared_ptr<Landing> landing, asio::any_io_executor loop,
                               DownloadProgress progress) {
  const auto told = std::make_shared<std::uint64_t>(0);
  return [landing, loop, progress, told](ByteView bytes) -> Result<void> {
    if (const Result<void> appended = landing->append(bytes); !appended) return appended;
    const std::uint64_t done = landing->received();
    if (done >= *told + kProgressStep) {
      *told = done;
      asio::post(loop, [progress, done] { progress(done); });
    }
    return {};
  };
}

}  // namespace

Result<void> MemoryLanding::append(ByteView bytes) {
  if (bytes.size() > limit_ - bytes_.size())
    return Error{Errc::too_large, "more than " + std::to_string(limit_) + " bytes"};
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return {};
}

Result<void> MemoryLanding::restart() {
  bytes_.clear();
  return {};
}

Result<void> BlobLanding::restart() {
  if (size_ > blobs_.limit())
    return Error{Errc::too_large, "image of " + std::to_string(size_) + " bytes: more than the whole store may hold"};
  intake_.reset();  // gives its space back before the next one asks for it
  Result<std::unique_ptr<ports::Intake>> intake = blobs_.receive(digest_, size_);
  if (!intake) return intake.error();
  intake_ = std::move(*intake);
  return {};
}

asio::awaitable<Result<void>> download(ports::Fetcher& fetcher, ports::Clock& clock, std::shared_ptr<Landing> landing,
                                       std::string url, Persistence persistence, DownloadProgress progress) {
  const asio::any_io_executor loop = co_await asio::this_coro::executor;
  if (const Result<void> ready = landing->restart(); !ready) co_return ready.error();
  const auto etag = std::make_shared<std::string>();
  const auto remember_etag = [etag](std::string seen) { *etag = std::move(seen); };
  Duration pause = persistence.pause;
  for (unsigned fruitless = 0;;) {
    const std::uint64_t before = landing->received();
    ports::Fetch what{url, before, landing->limit(), *etag};
    const Result<ports::Fetched> fetched =
        co_await fetcher.fetch(std::move(what), sink_into(landing, loop, progress), remember_etag);
    if (fetched) co_return Result<void>{};
    if (!is_worth_another_try(fetched.error())) co_return fetched.error();
    const bool brought_something = landing->received() >= before + kWorthAnAttempt && !etag->empty();
    fruitless = brought_something ? 0 : fruitless + 1;
    if (fruitless >= persistence.attempts) co_return fetched.error();
    // Without an ETag nobody can say that the rest would be of the same representation.
    if (etag->empty() || fetched.error().code == Errc::mismatch) {
      etag->clear();
      if (const Result<void> ready = landing->restart(); !ready) co_return ready.error();
    }
    if (const Result<void> slept = co_await clock.sleep_for(pause); !slept) co_return slept.error();
    pause = brought_something ? persistence.pause : std::min(pause * 2, kLongestPause);
  }
}

asio::awaitable<Result<Bytes>> download_small(ports::Fetcher& fetcher, ports::Clock& clock, std::string url,
                                              std::uint64_t limit, Persistence persistence) {
  const auto landing = std::make_shared<MemoryLanding>(limit);
  const DownloadProgress nobody = [](std::uint64_t) {};
  const Result<void> fetched = co_await download(fetcher, clock, landing, std::move(url), persistence, nobody);
  if (!fetched) co_return fetched.error();
  co_return landing->take();
}

}  // namespace hg::service
