// SPDX-License-Identifier: Apache-2.0
// A number of equal places, given in the order of asking: connections of an adapter, transfers of an adapter. What has
// no place waits, with a deadline. radio has two for each adapter.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "base/error.hpp"
#include "sdk/driver.hpp"

namespace hg::ble {

class Turns {
 public:
  Turns(boost::asio::any_io_executor executor, unsigned places);
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;
  /// Whoever waits gets Errc::unavailable; places that are taken stay good.
  ~Turns();

  /// The place lasts as long as the result, which may outlive this. Errc::timed_out, Errc::cancelled;
  /// Errc::unavailable: this went.
  boost::asio::awaitable<Result<std::shared_ptr<void>>> take(plugin::SteadyTime deadline);

  [[nodiscard]] unsigned taken() const;
  [[nodiscard]] unsigned waiting() const;

 private:
  struct Places;
  std::shared_ptr<Places> places_;
};

}  // namespace hg::ble
