// SPDX-License-Identifier: Apache-2.0
// Holds off a shutdown or sleep of the gateway while children run images that nobody has confirmed. service/
// shutdown_guard asks for it; adapters/dbus gets it from logind.
#pragma once

namespace hg::ports {

class ShutdownLock {
 public:
  virtual ~ShutdownLock() = default;

  /// From now on until release(), as far as the system permits. What becomes of it stands in the journal: nothing waits
  /// for it, and an update goes on without.
  virtual void hold() = 0;
  virtual void release() = 0;
};

}  // namespace hg::ports
