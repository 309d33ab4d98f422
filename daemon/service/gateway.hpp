// SPDX-License-Identifier: Apache-2.0
// The whole service over its ports: driver, ingest, deliver and reporter, connected. app gives it the real adapters,
// tests give it fakes; what runs in between is the same.
#pragma once

#include <vector>

#include "service/control.hpp"
#include "service/deliver.hpp"
#include "service/driver.hpp"
#include "service/ingest.hpp"
#include "service/reporter.hpp"

namespace hg::service {

/// All outlive the gateway.
struct GatewayPorts {
  ports::Catalogue& catalogue;
  ports::Blobs& blobs;
  ports::Fetcher& fetcher;
  ports::Announcements& announcements;
  ports::Inspector& inspector;
  ports::Transport& transport;
  ports::Clock& clock;
  ports::Journal& journal;
  const cose::KeyRing& anchors;
};

class Gateway {
 public:
  Gateway(boost::asio::any_io_executor executor, GatewayPorts ports, IngestLimits limits);

  /// Takes over what was remembered. First, and once.
  Result<void> recover();

  /// Another one who is told of changes; must outlive the gateway. Before run().
  void watch(ports::Watcher& watcher) { driver_.watch(watcher); }

  /// The children of the configuration, at start and at every reload: new ones are enrolled, missing ones dropped.
  void enroll(std::vector<core::Enrollment> children);

  /// Works until stop().
  [[nodiscard]] boost::asio::awaitable<void> run();

  /// Ends run() after what must not be left half done.
  void stop();

  [[nodiscard]] ports::Control& control() { return control_; }

 private:
  GatewayPorts ports_;
  Driver driver_;
  Deliver deliver_;
  Ingest ingest_;
  Control control_;
  Reporter reporter_;
  std::vector<core::ChildId> enrolled_;  // what the configuration named last
};

}  // namespace hg::service
