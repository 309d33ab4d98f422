// SPDX-License-Identifier: Apache-2.0
// How the gateway hears of deliverables. adapters/cloud listens to an MQTT topic; service/ingest asks for the next.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "base/error.hpp"

namespace hg::ports {

/// One deliverable to be had. Nothing in it is trusted: the envelope's signature decides.
struct Announcement {
  std::string url;  ///< of the envelope
};

class Announcements {
 public:
  virtual ~Announcements() = default;

  /// The next well-formed announcement, however long that takes; malformed ones are written to the journal and
  /// dropped. Only Errc::cancelled ends it.
  [[nodiscard]] virtual boost::asio::awaitable<Result<Announcement>> next() = 0;

  /// Whether the broker is connected now.
  [[nodiscard]] virtual bool connected() const = 0;
};

}  // namespace hg::ports
