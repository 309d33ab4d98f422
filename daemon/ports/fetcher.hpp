// SPDX-License-Identifier: Apache-2.0
// Fetches a URL over TLS with the server authenticated, streaming. What the bytes are is not its business.
// adapters/cloud does it with libcurl; service/ingest calls it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::ports {

struct Fetch {
  std::string url;           ///< https only; anything else is Errc::unsupported
  std::uint64_t offset = 0;  ///< bytes that the caller has already; the server is asked for the rest (RFC 9110 §14)
  std::uint64_t limit = 0;   ///< more bytes than this in all are Errc::too_large, as soon as it is known
  std::string etag;          ///< of the representation that `offset` belongs to; empty when offset is 0
};

/// What the server said; `etag` serves to resume.
struct Fetched {
  std::uint64_t bytes = 0;  ///< that this fetch gave to the sink, without those before `offset`
  std::string etag;
};

class Fetcher {
 public:
  virtual ~Fetcher() = default;

  /// Called on a pool thread for each piece, in order. An error ends the fetch and is returned from it.
  using Sink = std::function<Result<void>(ByteView)>;

  /// Returns when all is there, or Errc::unavailable (no connection, broken off, 5xx, 429), Errc::not_found (404, 410),
  /// Errc::unauthenticated (TLS: certificate, pin, name), Errc::mismatch (the representation changed between two
  /// parts: begin anew), Errc::too_large, Errc::timed_out (slower than the configured minimum), Errc::cancelled.
  /// `etag_seen` is told the ETag before the first byte, so that a broken fetch can be resumed.
  [[nodiscard]] virtual boost::asio::awaitable<Result<Fetched>> fetch(Fetch what, Sink sink,
                                                                      std::function<void(std::string)> etag_seen) = 0;
};

}  // namespace hg::ports
