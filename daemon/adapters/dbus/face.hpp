// SPDX-License-Identifier: Apache-2.0
// headgate on the bus: org.headgate.Headgate1. It shows the state, follows its changes, and passes on what callers ask
// for when polkit allows it. A bus that goes away is looked for again; the daemon works on without it. What is asked is
// decided by ports::Control; the app makes one Face, and tells it of changes as a Watcher.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "ports/clock.hpp"
#include "ports/control.hpp"
#include "ports/journal.hpp"
#include "ports/watcher.hpp"

namespace hg::bus {

class Face final : public ports::Watcher {
 public:
  /// `address` is "system", "session" or a D-Bus address. The ports must outlive the executor's last run, because a
  /// call that is being carried out outlives the Face.
  Face(boost::asio::any_io_executor executor, std::string address, ports::Control& control, ports::Clock& clock,
       ports::Journal& journal, std::string version);
  Face(const Face&) = delete;
  Face& operator=(const Face&) = delete;
  /// Leaves the bus.
  ~Face() override;

  /// Shows the state as control has it now, connects, and takes the name. To be called once; afterwards the Face keeps
  /// itself connected. Errc::exists: another one has the name; Errc::denied: the bus's policy says no;
  /// Errc::unavailable: no bus.
  [[nodiscard]] boost::asio::awaitable<Result<void>> start();

  void changed(const core::State& state, std::span<const core::Change> changes,
               std::span<const core::ChildId> touched) override;
  void progressed(const core::ChildId& child, core::Epoch epoch, std::uint64_t done, std::uint64_t total) override;
  void troubled(const std::string& text) override;

 private:
  class Body;
  std::shared_ptr<Body> body_;
};

}  // namespace hg::bus
