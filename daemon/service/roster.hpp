// SPDX-License-Identifier: Apache-2.0
// Who is served: the children that the configuration names, and those that an operator, a signed list or a policy has
// enrolled. Tells core and the plugins of them, and lets nobody else in: a stranger that a plugin meets is listed, and
// served only if a policy of the administrator takes its class. Made by gateway; control and trust_records bring what
// comes to be known.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ports/child_types.hpp"
#include "ports/clock.hpp"
#include "ports/journal.hpp"
#include "ports/transport.hpp"
#include "service/driver.hpp"
#include "service/tasks.hpp"

namespace hg::service {

/// All outlive it. `types` null: only the configuration enrolls.
struct RosterPorts {
  ports::Transport& transport;
  ports::Clock& clock;
  ports::Journal& journal;
  const ports::ChildTypes* types = nullptr;
};

class Roster {
 public:
  Roster(boost::asio::any_io_executor executor, Driver& driver, RosterPorts ports);

  /// At start, after recover, and at every reload: new ones are enrolled, missing ones dropped, and those that were
  /// registered are completed anew. One that cannot be completed, or whose place the configuration gives to another
  /// child, is named in the journal and not served.
  void configure(std::vector<core::Enrollment> children);

  /// Returns when it is durable. Errors: those of complete() and of core::ChildRegistered.
  [[nodiscard]] boost::asio::awaitable<Result<void>> enroll(core::Registration registration, core::ChildKeys keys);
  /// Errors: those of core::ChildUnregistered.
  [[nodiscard]] boost::asio::awaitable<Result<void>> forget(core::ChildId child, std::uint32_t uid);

  /// What core would be told of it, with these keys. Errors: those of ports::ChildTypes; Errc::exists: a child of the
  /// configuration is at its address; Errc::mismatch: a key that its profile's tier does not have.
  [[nodiscard]] Result<core::Enrollment> complete(const core::Registration& registration,
                                                  const core::ChildKeys& keys) const;
  [[nodiscard]] bool is_configured(const core::ChildId& child) const;

  /// Gives up what is under way and returns when it has ended.
  [[nodiscard]] boost::asio::awaitable<void> stop();

 private:
  void met(ports::Transport::Meeting meeting);
  boost::asio::awaitable<void> enroll_by_policy(core::Registration registration);
  void complete_registered();
  void tell_plugins();

  boost::asio::any_io_executor executor_;
  Driver& driver_;
  RosterPorts ports_;
  std::vector<core::Enrollment> configured_;
  std::map<core::ChildId, core::Enrollment> registered_;           // completed
  std::shared_ptr<bool> telling_ = std::make_shared<bool>(false);  // tell_plugins() is on its way
  Tasks tasks_;
};

}  // namespace hg::service
