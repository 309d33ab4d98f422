// SPDX-License-Identifier: Apache-2.0
// The channel over bluetoothd's messages: WriteValue of type "command" for each fragment, each waited for, and
// StartNotify. Slow (a message and its answer for each fragment); the quirk `acquire = false` and a bluetoothd that
// answers NotSupported lead here.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "ble/bluez.hpp"
#include "ble/channel.hpp"

namespace hg::ble {

/// After StartNotify. `mtu`: of the connection as bluetoothd shows it (GattCharacteristic1.MTU); 0: not known, taken
/// for
/// 23. Errors of Bluez::start_notify().
boost::asio::awaitable<Result<std::shared_ptr<Channel>>> open_message_channel(boost::asio::any_io_executor executor,
                                                                              std::shared_ptr<Bluez> bluez,
                                                                              std::string characteristic,
                                                                              std::uint16_t mtu,
                                                                              plugin::SteadyTime deadline);

}  // namespace hg::ble
