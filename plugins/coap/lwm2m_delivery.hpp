// SPDX-License-Identifier: Apache-2.0
// Bringing an image to a child of LwM2M until it holds it in State 2: what is there already, what must be cleared away
// first, and by which way it comes. How it travels is told in lwm2m_pull and lwm2m_push. lwm2m_steps calls it.
#pragma once

#include "coap/lwm2m_pull.hpp"
#include "coap/lwm2m_push.hpp"

namespace hg::coap {

class Delivery {
 public:
  Delivery(const std::shared_ptr<Surroundings>& around, Inspection& inspection)
      : around_(around), in_(&inspection), pull_(around, inspection), push_(around, inspection) {}

  boost::asio::awaitable<Result<plugin::Outcome>> deliver(plugin::Job job, wire::Deliver request,
                                                          plugin::ImageView image);

 private:
  boost::asio::awaitable<Result<void>> bring(plugin::Job job, wire::Deliver request, plugin::ImageView image, Part part,
                                             bool at_once);
  /// State 0 with nothing of an earlier attempt.
  boost::asio::awaitable<Result<Part>> cleared(Part part);
  [[nodiscard]] bool may_pull(const Part& part) const;
  [[nodiscard]] bool may_push(const Part& part) const;

  std::shared_ptr<Surroundings> around_;
  Inspection* in_;
  Pull pull_;
  Pushing push_;
};

}  // namespace hg::coap
