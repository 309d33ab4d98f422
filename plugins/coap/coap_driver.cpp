// SPDX-License-Identifier: Apache-2.0
#include "coap/coap_driver.hpp"

#include <chrono>
#include <utility>

#include "coap/remembered.hpp"

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

/// For so long a child that pulls waits for the daemon to say again what it pulls: it gives up after 93 s itself.
constexpr Milliseconds kPullersWait = 90s;

Error not_served() {
  return Error{Errc::unavailable, "the child cannot be served: its values or its key are wrong"};
}

std::filesystem::path untold_file(const std::filesystem::path& state, const std::string& child) {
  return state.empty() ? state : state / (child + ".untold");
}

}  // namespace

CoapDriver::CoapDriver(const plugin::Setup& setup) : setup_(setup), clock_(steady_clock(setup.executor)) {}

Result<std::unique_ptr<CoapDriver>> CoapDriver::open(const plugin::Setup& setup, DriverSettings settings) {
  std::unique_ptr<CoapDriver> driver(new CoapDriver(setup));
  driver->lwm2m_ = Lwm2mServer::make({setup.executor, setup.report, setup.meet, setup.log, setup.state,
                                      std::move(settings.public_address), driver->clock_});
  auto server = Server::open(setup.executor, settings.server, *driver->lwm2m_, setup.log);
  if (!server) return server.error();
  driver->server_ = std::move(*server);
  driver->lwm2m_->use(*driver->server_);
  driver->server_->shelf().expect_until(driver->clock_->now() + kPullersWait);
  return driver;
}

CoapDriver::~CoapDriver() {
  for (const auto& [name, child] : children_) child.steps->close();
}

void CoapDriver::enroll(const wire::Enroll& child) {
  refused_.erase(child.child);
  const auto found = children_.find(child.child);
  const auto address = address_from(child.address);
  const bool is_lwm2m = address && address->kind == Address::Kind::lwm2m && profile_from(child.profile);
  // With other values an LwM2M child stays registered, and what was brought to it stays known.
  if (found != children_.end() && (found->second.suit || !is_lwm2m)) leave(found->first);
  auto made = make(child);
  if (!made) return setup_.report({child.child, false, made.error().message});
  made->values = child;
  children_[child.child] = std::move(*made);
}

Result<CoapDriver::Child> CoapDriver::make(const wire::Enroll& child) {
  const auto profile = profile_from(child.profile);
  if (!profile) return profile.error();
  auto address = address_from(child.address);
  if (!address) return address.error();
  if (address->kind == Address::Kind::lwm2m)
    return Child{lwm2m_->enroll(child.child, address->name, *profile), nullptr};
  auto link = std::make_shared<SuitLink>(SuitLink::Parts{setup_.executor, clock_, *server_, setup_.report}, child.child,
                                         std::move(*address), *profile);
  auto suit = std::make_shared<SuitChild>(link, clock_, *server_, *profile, untold_file(setup_.state, child.child));
  link->start();
  return Child{suit, suit};
}

void CoapDriver::forget(const std::string& child) {
  refused_.erase(child);
  leave(child);
  coap::forget(untold_file(setup_.state, child));
}

void CoapDriver::leave(std::string child) {
  const auto found = children_.find(child);
  if (found == children_.end()) return;
  found->second.steps->close();
  if (!found->second.suit) lwm2m_->forget(child);
  server_->set_key(child, {});
  children_.erase(found);
}

/// It is not served at all, since without its key somebody else could come in its name.
void CoapDriver::refuse_passkey(const std::string& child) {
  if (const auto found = children_.find(child); found != children_.end()) {
    refused_.insert_or_assign(child, found->second.values);
    leave(child);
  }
  setup_.report({child, false, "its link key is a Bluetooth passkey: over CoAP it must be a PSK or a certificate"});
}

void CoapDriver::set_link_key(const std::string& child, plugin::LinkKey key) {
  if (key.kind == plugin::LinkKeyKind::passkey) return refuse_passkey(child);
  if (const auto refused = refused_.find(child); refused != refused_.end()) {
    const wire::Enroll values = refused->second;
    enroll(values);
  }
  const auto found = children_.find(child);
  if (found == children_.end()) return;
  const std::string identity = key.identity;
  if (!found->second.suit) lwm2m_->expect(child, key.kind, identity, key.certificate);
  server_->set_key(child, std::move(key));
  if (found->second.suit) found->second.suit->use_key(identity);
}

std::shared_ptr<ChildSteps> CoapDriver::find(const std::string& child) const {
  const auto found = children_.find(child);
  return found == children_.end() ? nullptr : found->second.steps;
}

asio::awaitable<Result<wire::Seen>> CoapDriver::inspect(plugin::Job job) {
  const auto steps = find(job.child);
  if (!steps) co_return not_served();
  co_return co_await steps->inspect(std::move(job));
}

asio::awaitable<Result<plugin::Outcome>> CoapDriver::deliver(plugin::Job job, wire::Deliver request,
                                                             plugin::ImageView image) {
  const auto steps = find(job.child);
  if (!steps) co_return not_served();
  co_return co_await steps->deliver(std::move(job), std::move(request), std::move(image));
}

asio::awaitable<Result<plugin::Outcome>> CoapDriver::activate(plugin::Job job, wire::Activate request) {
  const auto steps = find(job.child);
  if (!steps) co_return not_served();
  co_return co_await steps->activate(std::move(job), std::move(request));
}

asio::awaitable<Result<plugin::Outcome>> CoapDriver::confirm(plugin::Job job, wire::Confirm request) {
  const auto steps = find(job.child);
  if (!steps) co_return not_served();
  co_return co_await steps->confirm(std::move(job), std::move(request));
}

asio::awaitable<Result<plugin::Outcome>> CoapDriver::revert(plugin::Job job, wire::Revert request) {
  const auto steps = find(job.child);
  if (!steps) co_return not_served();
  co_return co_await steps->revert(std::move(job), std::move(request));
}

asio::awaitable<Result<plugin::Willingness>> CoapDriver::offer(plugin::Job job, wire::Offer request) {
  const auto steps = find(job.child);
  if (!steps) co_return not_served();
  co_return co_await steps->offer(std::move(job), std::move(request));
}

}  // namespace hg::coap
