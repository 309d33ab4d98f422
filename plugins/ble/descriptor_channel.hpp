// SPDX-License-Identifier: Apache-2.0
// The channel over the descriptors of AcquireWrite and AcquireNotify, on the loop: SOCK_SEQPACKET sockets that
// bluetoothd made non-blocking, where EAGAIN is the only flow control, and EPIPE or a hang-up on either means that the
// connection is gone. (An empty read alone does not: an empty notification reads so.)
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "ble/bluez.hpp"
#include "ble/channel.hpp"

namespace hg::ble {

/// The fragments are for the MTU of `write`.
std::shared_ptr<Channel> make_descriptor_channel(const boost::asio::any_io_executor& executor, Acquired write,
                                                 Acquired notify);

}  // namespace hg::ble
