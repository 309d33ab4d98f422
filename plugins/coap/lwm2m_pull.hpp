// SPDX-License-Identifier: Apache-2.0
// An image that the child fetches itself, which is how it should be (coap.md 0.4): it stands on the shelf, the child is
// told its URI, and State and Result say what came of it. Over a restart of this process it is taken up where the
// child is. Delivery calls it, and pushes where a child does not pull.
#pragma once

#include <optional>

#include "coap/lwm2m_inspection.hpp"
#include "coap/lwm2m_surroundings.hpp"

namespace hg::coap {

/// How far a child has come that asks for block after block: up to where it asks next, which may be back at the
/// beginning. A block that stands alone (a look at the end) does not count.
class PullProgress {
 public:
  /// What the child has now, if this block tells.
  std::optional<std::uint64_t> sent(std::uint64_t offset, std::uint32_t size);

 private:
  std::uint64_t end_ = 0;  // of the last block
};

/// What came of an attempt; unless it was an error, which is the end of the delivery.
struct Fetched {
  bool is_done = false;
  std::string text{};  ///< why the child does not pull
};

class Pull {
 public:
  Pull(std::shared_ptr<Surroundings> around, Inspection& inspection) : around_(std::move(around)), in_(&inspection) {}

  /// The URI that this child would be told now.
  [[nodiscard]] static std::string path_for(const std::string& child, const Digest& image);

  /// Whether a download that the child says it is in has stood still for longer than it tries by itself (coap.md 1.6),
  /// also over several deliveries. Never right after the plugin was started.
  [[nodiscard]] bool is_dead() const;

  /// `goes_on`: the child pulls it already.
  /// Cancelled, it leaves the child to ask in vain for a while, so that it goes on when the image is delivered again.
  boost::asio::awaitable<Result<Fetched>> fetch(plugin::Job job, wire::Deliver request, plugin::ImageView image,
                                                Part part, bool at_once, bool goes_on);

 private:
  struct State;
  boost::asio::awaitable<Result<Fetched>> follow(plugin::Job job, wire::Deliver request, plugin::ImageView image,
                                                 Part part, bool at_once, bool goes_on);
  [[nodiscard]] std::shared_ptr<void> place(const std::shared_ptr<State>& state, const Peer& peer,
                                            const wire::Deliver& request, const plugin::ImageView& image) const;
  boost::asio::awaitable<Result<void>> tell(std::shared_ptr<State> state, const wire::Deliver& request, Part part,
                                            SteadyTime deadline);

  std::shared_ptr<Surroundings> around_;
  Inspection* in_;
  std::shared_ptr<SteadyTime> moved_ = std::make_shared<SteadyTime>();  // the last block, or word on it; zero: none yet
};

}  // namespace hg::coap
