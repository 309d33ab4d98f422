// SPDX-License-Identifier: Apache-2.0
// The Driver of headgate-coap: one endpoint for all children, and for each the steps of what it speaks, which its
// address says: "lwm2m:NAME" or "coap[s]://HOST". Called by the SDK; made by main.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "coap/lwm2m_server.hpp"
#include "coap/server.hpp"
#include "coap/suit_child.hpp"
#include "sdk/program.hpp"

namespace hg::coap {

/// What headgate-coap can do: its Hello says so.
inline constexpr std::uint64_t kCapabilities = wire::kCanOffer | wire::kCanOverlay | wire::kCanHoldKeys;

/// Where it listens and how it is called, beside what the SDK knows.
struct DriverSettings {
  ServerSettings server;
  std::string public_address;  ///< see Lwm2mServer::Parts
};

class CoapDriver final : public plugin::Driver {
 public:
  /// Errors: of Server::open().
  static Result<std::unique_ptr<CoapDriver>> open(const plugin::Setup& setup, DriverSettings settings);
  CoapDriver(const CoapDriver&) = delete;
  CoapDriver& operator=(const CoapDriver&) = delete;
  ~CoapDriver() override;

  void enroll(const wire::Enroll& child) override;
  void forget(const std::string& child) override;
  void set_link_key(const std::string& child, plugin::LinkKey key) override;
  boost::asio::awaitable<Result<wire::Seen>> inspect(plugin::Job job) override;
  boost::asio::awaitable<Result<plugin::Outcome>> deliver(plugin::Job job, wire::Deliver request,
                                                          plugin::ImageView image) override;
  boost::asio::awaitable<Result<plugin::Outcome>> activate(plugin::Job job, wire::Activate request) override;
  boost::asio::awaitable<Result<plugin::Outcome>> confirm(plugin::Job job, wire::Confirm request) override;
  boost::asio::awaitable<Result<plugin::Outcome>> revert(plugin::Job job, wire::Revert request) override;
  boost::asio::awaitable<Result<plugin::Willingness>> offer(plugin::Job job, wire::Offer request) override;

 private:
  /// Shared with the step that runs, so that forgetting a child does not pull its steps away.
  struct Child {
    std::shared_ptr<ChildSteps> steps;
    std::shared_ptr<SuitChild> suit;  // the same, of a child that takes SUIT manifests
    wire::Enroll values{};
  };

  explicit CoapDriver(const plugin::Setup& setup);
  Result<Child> make(const wire::Enroll& child);
  void leave(std::string child);
  void refuse_passkey(const std::string& child);
  [[nodiscard]] std::shared_ptr<ChildSteps> find(const std::string& child) const;

  plugin::Setup setup_;
  std::shared_ptr<Clock> clock_;
  std::unique_ptr<Lwm2mServer> lwm2m_;
  std::unique_ptr<Server> server_;  // hands requests to lwm2m_
  std::map<std::string, Child> children_;
  std::map<std::string, wire::Enroll> refused_;  // for their keys: not served until they have others
};

}  // namespace hg::coap
