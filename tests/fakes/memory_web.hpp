// SPDX-License-Identifier: Apache-2.0
// A fetcher without a network: URLs are keys, and faults are put in front of the next fetches. Ranges, ETags and
// limits are treated as a well-behaved server and ports/fetcher.hpp say. Held to the same cases as the real one.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "ports/clock.hpp"
#include "ports/fetcher.hpp"

namespace hg::fakes {

class MemoryWeb final : public ports::Fetcher {
 public:
  /// With a clock, each piece takes `per_piece` of its time.
  explicit MemoryWeb(ports::Clock* clock = nullptr, Duration per_piece = Duration{0})
      : clock_(clock), per_piece_(per_piece) {}

  /// What a URL shows from now on; a new content gets a new ETag.
  void put(const std::string& url, Bytes content) {
    pages_[url] = Page{std::move(content), '"' + std::to_string(++last_etag_) + '"'};
  }
  void remove(const std::string& url) { pages_.erase(url); }

  struct Fault {
    std::uint64_t after = 0;  ///< bytes that still come through
    Error error{Errc::unavailable, "the connection was reset"};
  };
  /// One fetch more that fails in this way.
  void fail_next(Fault fault) { faults_.push_back(std::move(fault)); }

  /// While it says so, no server answers: Errc::unavailable.
  void away_while(std::function<bool()> is_away) { is_away_ = std::move(is_away); }

  [[nodiscard]] std::uint64_t fetches() const { return fetches_; }
  [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }

  [[nodiscard]] boost::asio::awaitable<Result<ports::Fetched>> fetch(
      ports::Fetch what, Sink sink, std::function<void(std::string)> etag_seen) override {
    ++fetches_;
    std::optional<Fault> fault;
    if (!faults_.empty()) {
      fault = std::move(faults_.front());
      faults_.pop_front();
    }
    if (const auto on = co_await turn(); !on) co_return on.error();
    if (is_away_ && is_away_()) co_return away(what.url);
    if (!what.url.starts_with("https://")) co_return Error{Errc::unsupported, what.url + ": not https"};
    if (fault && fault->after == 0) co_return fault->error.within(what.url);
    const auto found = pages_.find(what.url);
    if (found == pages_.end()) co_return Error{Errc::not_found, what.url + ": 404"};
    const Page page = found->second;  // as it was when the server opened it
    if (what.offset > 0 && what.etag != page.etag) co_return Error{Errc::mismatch, what.url + ": has changed"};
    if (page.content.size() > what.limit) co_return Error{Errc::too_large, what.url + ": over the limit"};
    if (etag_seen) etag_seen(page.etag);
    ports::Fetched fetched{0, page.etag};
    for (std::uint64_t at = what.offset; at < page.content.size(); at += kPiece) {
      if (const auto on = co_await turn(); !on) co_return on.error();
      if (is_away_ && is_away_()) co_return away(what.url);
      std::uint64_t size = std::min<std::uint64_t>(kPiece, page.content.size() - at);
      const bool breaks = fault && fetched.bytes + size > fault->after;
      if (breaks) size = fault->after - fetched.bytes;
      if (const auto taken = sink(ByteView(page.content).subspan(at, size)); !taken) co_return taken.error();
      fetched.bytes += size;
      bytes_sent_ += size;
      if (breaks) co_return fault->error.within(what.url);
    }
    co_return fetched;
  }

 private:
  static constexpr std::uint64_t kPiece = 16384;

  struct Page {
    Bytes content;
    std::string etag;
  };

  static Error away(const std::string& url) { return Error{Errc::unavailable, "no answer"}.within(url); }

  boost::asio::awaitable<Result<void>> turn() {
    if (clock_ != nullptr) {
      (void)co_await clock_->sleep_for(per_piece_);
    } else {
      co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
    }
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (state.cancelled() != boost::asio::cancellation_type::none) co_return Error{Errc::cancelled, "fetch cancelled"};
    co_return Result<void>{};
  }

  ports::Clock* clock_;
  Duration per_piece_;
  std::map<std::string, Page> pages_;
  std::deque<Fault> faults_;
  std::function<bool()> is_away_;
  std::uint64_t last_etag_ = 0;
  std::uint64_t fetches_ = 0;
  std::uint64_t bytes_sent_ = 0;
};

}  // namespace hg::fakes
