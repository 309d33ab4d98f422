// SPDX-License-Identifier: Apache-2.0
// The steps of an update for one child, whatever it speaks: lwm2m's or suit's. Kept by coap_driver, which hands on the
// steps of its Driver; what each must do is docs/plugin-protocol.md's.
#pragma once

#include "sdk/driver.hpp"

namespace hg::coap {

class ChildSteps {
 public:
  virtual ~ChildSteps() = default;
  virtual boost::asio::awaitable<Result<wire::Seen>> inspect(plugin::Job job) = 0;
  virtual boost::asio::awaitable<Result<plugin::Willingness>> offer(plugin::Job job, wire::Offer request) = 0;
  virtual boost::asio::awaitable<Result<plugin::Outcome>> deliver(plugin::Job job, wire::Deliver request,
                                                                  plugin::ImageView image) = 0;
  virtual boost::asio::awaitable<Result<plugin::Outcome>> activate(plugin::Job job, wire::Activate request) = 0;
  virtual boost::asio::awaitable<Result<plugin::Outcome>> confirm(plugin::Job job, wire::Confirm request) = 0;
  virtual boost::asio::awaitable<Result<plugin::Outcome>> revert(plugin::Job job, wire::Revert request) = 0;
  /// It is no longer served, or served with other values by another object: reports nothing more.
  virtual void close() = 0;
};

}  // namespace hg::coap
