// SPDX-License-Identifier: Apache-2.0
// The shutdown lock from systemd-logind (Inhibit, org.freedesktop.login1(5)): a descriptor that logind watches, given
// back by closing it. It is asked to block; where polkit does not let us, to delay. Without logind there is none.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "ports/journal.hpp"
#include "ports/shutdown_lock.hpp"

namespace hg::bus {

class LogindLock final : public ports::ShutdownLock {
 public:
  /// `where` as for Connection::open(). `journal` outlives it.
  LogindLock(boost::asio::any_io_executor executor, std::string where, ports::Journal& journal);
  LogindLock(const LogindLock&) = delete;
  LogindLock& operator=(const LogindLock&) = delete;
  ~LogindLock() override;

  void hold() override;
  void release() override;

 private:
  struct Parts;  // shared with a question that is under way
  std::shared_ptr<Parts> parts_;
};

}  // namespace hg::bus
