// SPDX-License-Identifier: Apache-2.0
// The steps of an update for one child of LwM2M (docs/plugin-protocol.md, coap.md 1.6): asked for by coap_driver, made
// of inspection, delivery and activation. What is small stands here: the offer, confirming, going back.
#pragma once

#include "coap/child_steps.hpp"
#include "coap/lwm2m_activation.hpp"
#include "coap/lwm2m_delivery.hpp"

namespace hg::coap {

class Lwm2mSteps final : public ChildSteps {
 public:
  Lwm2mSteps(const std::shared_ptr<Surroundings>& around, std::shared_ptr<Contact> contact,
             std::shared_ptr<BroughtImages> brought, const std::string& endpoint, const Profile& profile);

  boost::asio::awaitable<Result<wire::Seen>> inspect(plugin::Job job) override;
  boost::asio::awaitable<Result<plugin::Willingness>> offer(plugin::Job job, wire::Offer request) override;
  boost::asio::awaitable<Result<plugin::Outcome>> deliver(plugin::Job job, wire::Deliver request,
                                                          plugin::ImageView image) override;
  boost::asio::awaitable<Result<plugin::Outcome>> activate(plugin::Job job, wire::Activate request) override;
  boost::asio::awaitable<Result<plugin::Outcome>> confirm(plugin::Job job, wire::Confirm request) override;
  boost::asio::awaitable<Result<plugin::Outcome>> revert(plugin::Job job, wire::Revert request) override;
  void close() override;

 private:
  boost::asio::awaitable<Result<void>> set(Part part, std::uint16_t resource, std::int64_t value, SteadyTime deadline);
  boost::asio::awaitable<Result<void>> take_back(Part part, SteadyTime deadline);

  Inspection inspection_;
  Delivery delivery_;
  Activation activation_;
  bool is_closed_ = false;
};

}  // namespace hg::coap
