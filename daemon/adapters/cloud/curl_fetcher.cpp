// SPDX-License-Identifier: Apache-2.0
#include "adapters/cloud/curl_fetcher.hpp"

#include <memory>
#include <utility>

#include "adapters/cloud/download.hpp"

namespace hg::cloud {

CurlFetcher::CurlFetcher(const CurlLibrary& /*library*/, Fetching settings)
    : settings_(std::move(settings)), closing_(std::make_shared<std::atomic<bool>>(false)) {}

CurlFetcher::~CurlFetcher() {
  closing_->store(true);
  threads_.join();
}

boost::asio::awaitable<Result<ports::Fetched>> CurlFetcher::fetch(ports::Fetch what, Sink sink,
                                                                  std::function<void(std::string)> etag_seen) {
  const auto stop = std::make_shared<std::atomic<bool>>(false);
  auto download = std::make_unique<Download>(settings_, std::move(what), std::move(sink), std::move(etag_seen),
                                             std::vector{stop, closing_});
  auto work = [download = std::move(download)] { return download->run(); };
  co_return co_await adapters::on_pool(threads_, std::move(work), stop);
}

}  // namespace hg::cloud
