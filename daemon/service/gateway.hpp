// SPDX-License-Identifier: Apache-2.0
// The whole service over its ports: driver, roots, ingest, deliver and reporter, connected. app gives it real adapters,
// tests give it fakes; what runs in between is the same.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "ports/shutdown_lock.hpp"
#include "service/control.hpp"
#include "service/deliver.hpp"
#include "service/driver.hpp"
#include "service/ingest.hpp"
#include "service/link_keys.hpp"
#include "service/reporter.hpp"
#include "service/roster.hpp"
#include "service/shutdown_guard.hpp"

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
  const cose::RingMaker& rings;
  ports::KeySafe* key_safe = nullptr;              ///< null: this gateway has no key of its own
  const ports::ChildTypes* child_types = nullptr;  ///< null: only the configuration enrolls children
  const ports::Counters* counters = nullptr;       ///< null: nobody counts
  ports::DropBox* drop_box = nullptr;              ///< null: nothing is dropped anywhere
  ports::ShutdownLock* shutdown_lock = nullptr;    ///< null: nothing is held off
};

struct GatewaySettings {
  IngestLimits ingest;
  core::UrgencyLimits urgency;
};

class Gateway {
 public:
  Gateway(boost::asio::any_io_executor executor, GatewayPorts ports, GatewaySettings settings);

  /// Takes over what was remembered, and chooses the root of trust. First, and once.
  Result<void> recover(const TrustSource& source);

  /// Another one who is told of changes; must outlive the gateway. Before run().
  void watch(ports::Watcher& watcher) { driver_.watch(watcher); }

  /// The children of the configuration and how they are grouped, at start and at every reload: new ones are enrolled
  /// and formed, missing ones dropped and dissolved. What the engine refuses stays as it was, and stands in the
  /// journal.
  void enroll(std::vector<core::Enrollment> children, std::vector<core::Layout> layouts = {},
              std::vector<core::Group> groups = {});

  /// What the administrator wants of channel heads, at start and at every reload.
  void set_policy(core::Policy policy);

  /// At a reload: what the administrator put in place may have changed. An error says that nothing changed.
  Result<void> choose_root(const TrustSource& source) { return roots_.choose(source); }

  /// Works until stop().
  [[nodiscard]] boost::asio::awaitable<void> run();

  /// Ends run() after what must not be left half done.
  void stop();

  [[nodiscard]] ports::Control& control() { return control_; }

 private:
  void remove(const Digest& blob);
  [[nodiscard]] bool has_lost_store_key() const;
  void form(std::vector<core::Group> groups);
  void dissolve_all_but(const std::vector<core::Group>& groups);

  GatewayPorts ports_;
  Driver driver_;
  RootKeeper roots_;
  KeyIntake keys_;
  LinkKeys link_keys_;
  Roster roster_;
  EnrollmentLists lists_;
  TrustRecords records_;
  Deliver deliver_;
  Ingest ingest_;
  Control control_;
  Reporter reporter_;
  std::optional<ShutdownGuard> shutdown_guard_;
  std::set<core::GroupId> formed_;  // what the configuration named last
};

}  // namespace hg::service
