// SPDX-License-Identifier: Apache-2.0
// One call of a method of bluetoothd: to the very process whose objects are shown, never to one that the bus would have
// to start, with a deadline, and with BlueZ's errors made ours. bluez asks everything through this.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "ble/follower.hpp"
#include "bus/message.hpp"
#include "sdk/driver.hpp"

namespace hg::ble {

struct Question {
  std::string path;
  const char* interface;
  const char* member;
  std::string doing;  ///< "connect to C0:FF:EE:00:11:22": for the text of errors
  /// Appends the arguments; returns what sd-bus returns. None: there are none.
  std::function<int(sd_bus_message*)> fill{};
};

/// The answer. Errc::timed_out at the deadline, Errc::cancelled, Errc::unavailable (bluetoothd is not there), and what
/// bluez_error.hpp says.
boost::asio::awaitable<Result<bus::Message>> ask(std::shared_ptr<Follower> follower, Question question,
                                                 plugin::SteadyTime deadline);

/// Asked at once, before anything that is asked later, and whatever the answer is. To nobody when bluetoothd is gone.
void tell(Follower& follower, const Question& question);

}  // namespace hg::ble
