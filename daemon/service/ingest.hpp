// SPDX-License-Identifier: Apache-2.0
// The way in: what is announced is fetched, looked at, and handed on: an envelope to admission, a trust record to
// trust_records. What was heard of is remembered until it is dealt with, so that a crash loses nothing, and what may
// pass is tried again. Made by app.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "ports/announcements.hpp"
#include "ports/drop_box.hpp"
#include "service/admission.hpp"
#include "service/arrivals.hpp"
#include "service/driver.hpp"
#include "service/tasks.hpp"
#include "service/trust_records.hpp"

namespace hg::service {

struct IngestLimits {
  AdmissionLimits admission;
  Duration again{std::chrono::minutes{15}};  ///< after a failure that may pass: the whole thing is tried again
  Duration give_up{std::chrono::hours{24}};  ///< but not later than this after it was heard of
};

/// The ports that ingest works with; all outlive it.
struct IngestPorts {
  ports::Announcements& announcements;
  AdmissionPorts admission;
  ports::DropBox* drop_box = nullptr;  ///< null: nothing is dropped anywhere
};

class Ingest {
 public:
  Ingest(boost::asio::any_io_executor executor, Driver& driver, const RootKeeper& roots, TrustRecords& records,
         KeyIntake& keys, IngestPorts ports, IngestLimits limits);

  /// Begins to listen and to work.
  void start();

  /// As if the broker had announced it; returns when that is durable. Errc::busy: too many wait already.
  [[nodiscard]] boost::asio::awaitable<Result<void>> take_in(std::string url);

  /// The same for what an operator brought in place of a URL; returns what stands for one. It is not tried again, and a
  /// restart forgets it. Errc::too_large; Errc::busy.
  [[nodiscard]] boost::asio::awaitable<Result<std::string>> take_in_brought(Bytes envelope);

  [[nodiscard]] const Arrivals& arrivals() const { return *arrivals_; }

  [[nodiscard]] boost::asio::awaitable<void> stop();

 private:
  /// What became of an announcement, for the arrivals' list.
  struct Settled {
    ports::ArrivalState state{};
    std::string text;
  };

  boost::asio::awaitable<void> listen();
  boost::asio::awaitable<void> empty_drop_box();
  boost::asio::awaitable<void> take_dropped(ports::Dropped dropped);
  [[nodiscard]] bool may_drop_again(const std::string& name, const Error& error);
  boost::asio::awaitable<void> drop_again(std::string name);
  boost::asio::awaitable<void> work();
  void enqueue(std::string url);
  boost::asio::awaitable<Result<Bytes>> get(std::string url);
  boost::asio::awaitable<void> handle(std::string url);
  void refuse(const std::string& url, const Error& error);
  bool try_again_later(const std::string& url, const Error& error);
  boost::asio::awaitable<void> enqueue_later(std::string url);
  boost::asio::awaitable<Result<Settled>> bring_in(std::string url);
  boost::asio::awaitable<Result<Settled>> take_bytes(Bytes bytes, std::string url);

  boost::asio::any_io_executor executor_;
  Driver& driver_;
  const RootKeeper& roots_;
  TrustRecords& records_;
  IngestPorts ports_;
  IngestLimits limits_;
  std::shared_ptr<Arrivals> arrivals_;
  Admission admission_;
  std::map<std::string, Bytes> brought_;          // that wait, by what stands for their URLs
  std::map<std::string, Instant> dropped_first_;  // files that are tried again, and when they were first looked at
  std::deque<std::string> waiting_;
  std::set<std::string> taken_;                     // waiting or being worked on: not taken a second time
  std::set<std::string> again_;                     // announced anew while being worked on: looked at once more
  std::map<std::string, Tasks::Number> postponed_;  // to be taken again later
  boost::asio::steady_timer something_waits_;       // never expires; cancelled when a URL comes in
  Tasks tasks_;
  bool stopping_ = false;
};

}  // namespace hg::service
