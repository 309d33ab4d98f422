// SPDX-License-Identifier: Apache-2.0
// The order to install: one Execute for all images that change together, sent once, and the waiting for what the child
// says afterwards (coap.md 1.6, 1.7). An Execute that is not answered is not repeated before the child has shown that
// it did not come. lwm2m_steps calls it for Activate, and for Revert to an image that was brought again.
#pragma once

#include "coap/lwm2m_inspection.hpp"

namespace hg::coap {

class Activation {
 public:
  explicit Activation(Inspection& inspection) : in_(&inspection) {}

  boost::asio::awaitable<Result<plugin::Outcome>> activate(plugin::Job job, std::vector<wire::Move> moves);

 private:
  boost::asio::awaitable<Result<void>> execute(std::vector<Part> parts, SteadyTime deadline);
  boost::asio::awaitable<Result<void>> order(Part first, std::string arguments, SteadyTime deadline);
  boost::asio::awaitable<Result<void>> ended(Part part, SteadyTime deadline);

  Inspection* in_;
};

/// Whether each image that a move is about runs what it names.
bool holds(const Sight& sight, std::uint8_t image, const Digest& active);

}  // namespace hg::coap
