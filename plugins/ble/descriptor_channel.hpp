// SPDX-License-Identifier: Apache-2.0
// The channel over the descriptors of AcquireWrite and AcquireNotify, on the loop: SOCK_SEQPACKET sockets that
// bluetoothd made non-blocking, where EAGAIN is the only flow control, and EPIPE, an empty read or a hang-up on either
// means that the connection is gone.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "ble/bluez.hpp"
#include "ble/channel.hpp"

namespace hg::ble {

std::shared_ptr<Channel> make_descriptor_channel(const boost::asio::any_io_executor& executor, Acquired write,
                                                 Acquired notify);

}  // namespace hg::ble
