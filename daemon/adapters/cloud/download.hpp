// SPDX-License-Identifier: Apache-2.0
// One HTTPS transfer with libcurl, blocking: asks, checks what the server says before the first byte is passed on, and
// turns every way to fail into an Error that names the URL. Called by CurlFetcher on a pool thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/cloud/settings.hpp"
#include "adapters/on_pool.hpp"
#include "ports/fetcher.hpp"

namespace hg::cloud {

/// Scheme, host, port and path: a query or user information may be secret. "(no URL)" if it cannot be parsed.
std::string printable_url(const std::string& url);

class Download {
 public:
  /// `settings` outlives this. Any of `stops` that becomes true ends the transfer with Errc::cancelled.
  Download(const Fetching& settings, ports::Fetch what, ports::Fetcher::Sink sink,
           std::function<void(std::string)> etag_seen, std::vector<adapters::StopFlag> stops);

  /// Once. Does not throw.
  Result<ports::Fetched> run();

 private:
  struct Callbacks;
  struct Head {  // of the response being received; redirects and 100s have one, too
    std::string etag;
    std::string content_range;
    std::optional<std::uint64_t> content_length;
  };

  Result<ports::Fetched> perform();
  void set_options(void* easy);
  Result<void> take_header(std::string_view line);
  Result<void> take_body(ByteView bytes);
  /// Whether the body that begins now is the one that was asked for.
  Result<void> check_head();
  Result<void> check_part();
  [[nodiscard]] Result<void> check_status() const;
  [[nodiscard]] Error error_of(int curl_code) const;
  [[nodiscard]] bool is_stopped() const;

  const Fetching& settings_;
  ports::Fetch what_;
  ports::Fetcher::Sink sink_;
  std::function<void(std::string)> etag_seen_;
  std::vector<adapters::StopFlag> stops_;

  void* easy_ = nullptr;
  Head head_;
  bool is_head_checked_ = false;
  ports::Fetched fetched_;
  std::optional<Error> error_;  // why we ended the transfer
  std::vector<char> curl_error_;
};

}  // namespace hg::cloud
