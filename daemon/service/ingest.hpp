// SPDX-License-Identifier: Apache-2.0
// The way in: an announced envelope is fetched, authenticated and interpreted, its images are fetched with resume and
// sealed under their digests, and then core hears of the deliverable. All that is decided about authenticity and
// integrity is decided here, once. What is known already is not verified again, and what was heard of is remembered
// until it is dealt with, so that a crash loses nothing. Made by app.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "ports/announcements.hpp"
#include "ports/blobs.hpp"
#include "ports/clock.hpp"
#include "ports/fetcher.hpp"
#include "ports/inspector.hpp"
#include "ports/journal.hpp"
#include "service/arrivals.hpp"
#include "service/download.hpp"
#include "service/driver.hpp"
#include "service/tasks.hpp"
#include "suit/manifest.hpp"

namespace hg::service {

struct IngestLimits {
  std::uint64_t envelope_bytes = 1024 * 1024;  ///< with integrated payloads
  Persistence persistence;                     ///< for one envelope or image
  bool same_host_only = false;                 ///< images only from the envelope's own host
  Duration again{std::chrono::minutes{15}};    ///< after a failure that may pass: the whole thing is tried again
  Duration give_up{std::chrono::hours{24}};    ///< but not later than this after it was heard of
};

/// The ports that ingest works with; all outlive it.
struct IngestPorts {
  ports::Announcements& announcements;
  ports::Fetcher& fetcher;
  ports::Blobs& blobs;
  ports::Inspector& inspector;
  ports::Clock& clock;
  ports::Journal& journal;
  const cose::KeyRing& anchors;
};

class Ingest {
 public:
  Ingest(boost::asio::any_io_executor executor, Driver& driver, IngestPorts ports, IngestLimits limits);

  /// Begins to listen and to work.
  void start();

  /// As if the broker had announced it; returns when that is durable. Errc::busy: too many wait already.
  [[nodiscard]] boost::asio::awaitable<Result<void>> take_in(std::string url);

  [[nodiscard]] const Arrivals& arrivals() const { return *arrivals_; }

  [[nodiscard]] boost::asio::awaitable<void> stop();

 private:
  boost::asio::awaitable<void> listen();
  boost::asio::awaitable<void> work();
  void enqueue(std::string url);
  boost::asio::awaitable<void> handle(std::string url);
  void refuse(const std::string& url, const Error& error);
  bool try_again_later(const std::string& url, const Error& error);
  boost::asio::awaitable<void> enqueue_later(std::string url);
  boost::asio::awaitable<Result<core::DeliverableId>> bring_in(std::string url);
  boost::asio::awaitable<Result<Bytes>> fetch_envelope(std::string url);
  boost::asio::awaitable<Result<core::Image>> bring_in_image(suit::Image image, std::string url,
                                                             std::shared_ptr<const Bytes> envelope);
  boost::asio::awaitable<Result<void>> seal_integrated(suit::Image image, std::shared_ptr<const Bytes> envelope);
  boost::asio::awaitable<Result<void>> seal_fetched(suit::Image image, std::string url);

  boost::asio::any_io_executor executor_;
  Driver& driver_;
  IngestPorts ports_;
  IngestLimits limits_;
  std::shared_ptr<Arrivals> arrivals_;
  std::deque<std::string> waiting_;
  std::set<std::string> taken_;                     // waiting or being worked on: not taken a second time
  std::set<std::string> again_;                     // announced anew while being worked on: looked at once more
  std::map<std::string, Tasks::Number> postponed_;  // to be taken again later
  boost::asio::steady_timer something_waits_;       // never expires; cancelled when a URL comes in
  Tasks tasks_;
  bool stopping_ = false;
};

}  // namespace hg::service
