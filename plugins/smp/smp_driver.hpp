// SPDX-License-Identifier: Apache-2.0
// The Driver of a plugin whose children speak SMP: one link and one Updater for each child. What kind of link is the
// plugin's own: it says how to open one. Called by the SDK.
#pragma once

#include <filesystem>
#include <map>
#include <memory>

#include "sdk/driver.hpp"
#include "smp/link.hpp"
#include "smp/updater.hpp"

namespace hg::smp {

/// A link that runs by itself from when it is made until close(), and reports when it comes and goes.
class RunningLink : public Link {
 public:
  /// Ends it for good; the object lives on as long as a step uses it.
  virtual void close() = 0;
};

/// Makes the link of a child, or says what is wrong with its values.
using OpenLink = std::function<Result<std::shared_ptr<RunningLink>>(const wire::Enroll& child)>;

/// What every plugin with this driver can do: its Hello says so.
inline constexpr std::uint64_t kCapabilities =
    wire::kCanOffer | wire::kCanBackup | wire::kCanRestore | wire::kCanIdentify | wire::kCanOverlay;

class SmpDriver final : public plugin::Driver {
 public:
  /// `state`: the directory where what is learned of children is kept; empty: nowhere.
  SmpDriver(boost::asio::any_io_executor executor, OpenLink open_link, plugin::LinkReport report,
            std::filesystem::path state = {});
  SmpDriver(const SmpDriver&) = delete;
  SmpDriver& operator=(const SmpDriver&) = delete;
  ~SmpDriver() override;

  void enroll(const wire::Enroll& child) override;
  void forget(const std::string& child) override;
  boost::asio::awaitable<Result<wire::Seen>> inspect(plugin::Job job) override;
  boost::asio::awaitable<Result<plugin::Outcome>> deliver(plugin::Job job, wire::Deliver request,
                                                          plugin::ImageView image) override;
  boost::asio::awaitable<Result<plugin::Outcome>> activate(plugin::Job job, wire::Activate request) override;
  boost::asio::awaitable<Result<plugin::Outcome>> confirm(plugin::Job job, wire::Confirm request) override;
  boost::asio::awaitable<Result<plugin::Outcome>> revert(plugin::Job job, wire::Revert request) override;
  boost::asio::awaitable<Result<plugin::Willingness>> offer(plugin::Job job, wire::Offer request) override;
  boost::asio::awaitable<Result<plugin::Saved>> backup(plugin::Job job) override;
  boost::asio::awaitable<Result<void>> restore(plugin::Job job, UniqueFd saved) override;
  boost::asio::awaitable<Result<Bytes>> identify(plugin::Job job, Bytes nonce) override;
  boost::asio::awaitable<Result<void>> prove(plugin::Job job, Bytes proof) override;

 private:
  /// Shared with the step that runs, so that forgetting a child does not pull its link away.
  struct Child {
    Child(std::shared_ptr<RunningLink> opened, std::shared_ptr<Clock> time, const Profile& profile,
          const Learned& learned, Updater::Remember remember)
        : link(std::move(opened)),
          clock(std::move(time)),
          updater(*link, *clock, profile, learned, std::move(remember)) {}
    std::shared_ptr<RunningLink> link;
    std::shared_ptr<Clock> clock;
    Updater updater;
  };
  [[nodiscard]] std::shared_ptr<Child> find(const std::string& child) const;

  std::shared_ptr<Clock> clock_;
  OpenLink open_link_;
  plugin::LinkReport report_;
  LearnedStore learned_;
  std::map<std::string, std::shared_ptr<Child>> children_;
};

}  // namespace hg::smp
