// SPDX-License-Identifier: Apache-2.0
// One after the other, in the order of asking, each with a deadline for its waiting. A conversation has one, because a
// child is asked one thing at a time (NSTART, RFC 7252 section 4.7).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <memory>

#include "base/error.hpp"
#include "sdk/driver.hpp"

namespace hg::coap {

class Turns {
 public:
  explicit Turns(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  /// The turn lasts as long as the result, which must not outlive this. Errc::timed_out, Errc::cancelled.
  boost::asio::awaitable<Result<std::shared_ptr<void>>> take(plugin::SteadyTime deadline);

 private:
  struct Waiter {
    boost::asio::steady_timer timer;
    bool has_turn = false;
  };

  std::shared_ptr<void> turn();
  void pass_on();

  boost::asio::any_io_executor executor_;
  std::list<Waiter*> waiters_;
  bool is_taken_ = false;
};

}  // namespace hg::coap
