// SPDX-License-Identifier: Apache-2.0
// The announcements of a gateway without a broker: none. Deliverables then come in by the bus only. Made by app when
// the configuration names no broker.
#pragma once

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "ports/announcements.hpp"

namespace hg::cloud {

class NoBroker final : public ports::Announcements {
 public:
  [[nodiscard]] boost::asio::awaitable<Result<ports::Announcement>> next() override {
    boost::asio::steady_timer never(co_await boost::asio::this_coro::executor,
                                    boost::asio::steady_timer::time_point::max());
    boost::system::error_code ignored;
    co_await never.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    co_return Error{Errc::cancelled, "no longer listening"};
  }

  [[nodiscard]] bool connected() const override { return false; }
};

}  // namespace hg::cloud
