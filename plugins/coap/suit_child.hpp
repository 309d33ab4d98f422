// SPDX-License-Identifier: Apache-2.0
// The steps of an update for a child that takes SUIT manifests over CoAP, as RIOT's does (coap.md 2): it is told where
// its manifest is, pulls that and what it names, judges it alone, and installs as it receives. Nothing tells how that
// ended but the version that it says afterwards; one that was served all of it and says nothing new is shown as that.
// coap_driver keeps one for each such child.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "coap/child_steps.hpp"
#include "coap/suit_link.hpp"
#include "coap/suit_serving.hpp"
#include "coap/suit_untold.hpp"

namespace hg::coap {

class SuitChild final : public ChildSteps {
 public:
  /// `untold`: where it is remembered what was served whole and not told of; empty: nowhere.
  SuitChild(std::shared_ptr<SuitLink> link, std::shared_ptr<Clock> clock, Server& server, const Profile& profile,
            std::filesystem::path untold);

  boost::asio::awaitable<Result<wire::Seen>> inspect(plugin::Job job) override;
  boost::asio::awaitable<Result<plugin::Willingness>> offer(plugin::Job job, wire::Offer request) override;
  boost::asio::awaitable<Result<plugin::Outcome>> deliver(plugin::Job job, wire::Deliver request,
                                                          plugin::ImageView image) override;
  /// There is nothing to activate, to confirm or to take back: these say what the child says.
  boost::asio::awaitable<Result<plugin::Outcome>> activate(plugin::Job job, wire::Activate request) override;
  boost::asio::awaitable<Result<plugin::Outcome>> confirm(plugin::Job job, wire::Confirm request) override;
  boost::asio::awaitable<Result<plugin::Outcome>> revert(plugin::Job job, wire::Revert request) override;
  void close() override;

  void use_key(const std::string& identity) { link_->use_key(identity); }

 private:
  boost::asio::awaitable<Result<std::string>> version(SteadyTime deadline);
  boost::asio::awaitable<Result<wire::Seen>> look(SteadyTime deadline);
  boost::asio::awaitable<Result<void>> begin(SteadyTime deadline);
  boost::asio::awaitable<Result<void>> trigger(SteadyTime deadline);
  boost::asio::awaitable<Result<void>> follow(plugin::Job job, Digest after, std::uint8_t number);
  boost::asio::awaitable<bool> runs(Digest after, std::uint8_t number);
  [[nodiscard]] wire::Seen seen(const std::string& version) const;

  std::shared_ptr<SuitLink> link_;
  std::shared_ptr<Clock> clock_;
  std::shared_ptr<Bell> bell_;
  Server& server_;
  Profile profile_;
  SuitUntold untold_;
  std::string version_;  // as it said last
  std::unique_ptr<SuitServing> serving_;
  std::map<std::uint8_t, Digest> afters_;  // of what it serves: what the child will be taken to list
};

}  // namespace hg::coap
