// SPDX-License-Identifier: Apache-2.0
// Fetches over HTTPS with libcurl, at most two at once, each on a pool thread of its own. What is fetched, and whether
// a broken fetch is tried again, is ingest's business. Made by app.
#pragma once

#include <boost/asio/thread_pool.hpp>

#include "adapters/cloud/curl_library.hpp"
#include "adapters/cloud/settings.hpp"
#include "adapters/on_pool.hpp"
#include "ports/fetcher.hpp"

namespace hg::cloud {

class CurlFetcher final : public ports::Fetcher {
 public:
  /// More fetches wait for one of the first to end.
  static constexpr unsigned kAtOnce = 2;

  /// The library outlives this.
  CurlFetcher(const CurlLibrary& library, Fetching settings);
  /// Stops the fetches under way and waits for them: about a second.
  ~CurlFetcher() override;

  /// Beyond what ports::Fetcher says: Errc::denied (401, 403, 451), Errc::invalid (no URL, other 4xx). `sink` and
  /// `etag_seen` are called on a pool thread. A cancellation is noticed within a second.
  [[nodiscard]] boost::asio::awaitable<Result<ports::Fetched>> fetch(
      ports::Fetch what, Sink sink, std::function<void(std::string)> etag_seen) override;

 private:
  Fetching settings_;
  adapters::StopFlag closing_;
  boost::asio::thread_pool threads_{kAtOnce};
};

}  // namespace hg::cloud
