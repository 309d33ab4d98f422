// SPDX-License-Identifier: Apache-2.0
// An image that is written to the child block by block, where it can do nothing else. A push that broke begins anew at
// its first byte, and not before the child has let go of the first one (coap.md 4.4). A child that stays silent
// afterwards is asked to register again (coap.md 0.4). Delivery calls it.
#pragma once

#include "coap/lwm2m_inspection.hpp"
#include "coap/lwm2m_surroundings.hpp"

namespace hg::coap {

class Pushing {
 public:
  Pushing(std::shared_ptr<Surroundings> around, Inspection& inspection)
      : around_(std::move(around)), in_(&inspection) {}

  boost::asio::awaitable<Result<void>> bring(plugin::Job job, wire::Deliver request, plugin::ImageView image, Part part,
                                             bool at_once);

 private:
  boost::asio::awaitable<Result<void>> taken(Part part, bool at_once);
  /// Until it says a word again. Errc::unavailable after a time.
  boost::asio::awaitable<Result<void>> rouse(std::string child);

  std::shared_ptr<Surroundings> around_;
  Inspection* in_;
};

}  // namespace hg::coap
