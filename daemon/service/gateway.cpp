// SPDX-License-Identifier: Apache-2.0
#include "service/gateway.hpp"

#include <algorithm>

namespace hg::service {

Gateway::Gateway(boost::asio::any_io_executor executor, GatewayPorts ports, GatewaySettings settings)
    : ports_(ports),
      driver_(executor, ports.catalogue, ports.clock, ports.journal),
      roots_(driver_, ports.rings, ports.clock, ports.journal),
      records_(driver_, roots_, ports.gateway_key),
      deliver_(executor, driver_, ports.transport, ports.blobs, ports.clock,
               [this](ByteView bytes) { return roots_.authority().ring().sha256(bytes); }),
      ingest_(executor, driver_, roots_, records_,
              IngestPorts{ports.announcements,
                          AdmissionPorts{ports.fetcher, ports.blobs, ports.inspector, ports.clock, ports.journal}},
              settings.ingest),
      control_(Control::Parts{driver_, ingest_, deliver_, roots_, records_, ports.catalogue, ports.announcements,
                              ports.blobs, ports.journal},
               settings.urgency),
      reporter_(ports.journal) {
  driver_.on_action([this](core::Action action) { deliver_.start(std::move(action)); });
  driver_.on_unneeded([this](const Digest& blob) { remove(blob); });
  driver_.watch(reporter_);
  if (ports.shutdown_lock != nullptr) driver_.watch(shutdown_guard_.emplace(*ports.shutdown_lock));
  driver_.judge_time_by([this] { return roots_.time().is_known; });
  ports_.transport.listen([this](core::LinkChanged change) { driver_.post(std::move(change)); });
}

Result<void> Gateway::recover(const TrustSource& source) {
  if (Result<void> recovered = driver_.recover(); !recovered) return recovered;
  return roots_.choose(source);
}

void Gateway::set_policy(core::Policy policy) {
  driver_.post(core::PolicyChanged{policy});
}

void Gateway::enroll(std::vector<core::Enrollment> children, std::vector<core::Layout> layouts,
                     std::vector<core::Group> groups) {
  driver_.post(core::LayoutsSaid{std::move(layouts)});
  for (const core::ChildId& id : enrolled_) {  // not State's: events of the last reload may still be in the queue
    const bool is_named = std::ranges::any_of(children, [&](const core::Enrollment& e) { return e.id == id; });
    if (!is_named) driver_.post(core::ChildDropped{id});
  }
  enrolled_.clear();
  for (const core::Enrollment& child : children) {
    enrolled_.push_back(child.id);
    driver_.post(core::ChildEnrolled{child});
  }
  dissolve_all_but(groups);  // first: a child that moves must have left before it is taken
  form(std::move(groups));
  ports_.transport.enroll(children);
}

void Gateway::dissolve_all_but(const std::vector<core::Group>& groups) {
  std::set<core::GroupId> gone = formed_;
  for (const auto& [id, group] : driver_.state().groups)
    if (group.is_configured) gone.insert(id);  // by an earlier run
  for (const core::Group& group : groups) gone.erase(group.id);
  for (const core::GroupId& id : gone) {
    const auto refused = [this](const Error& error) {
      if (error.code == Errc::not_found) return;  // it was never formed
      ports_.journal.write(ports::Level::error, {}, "not dissolved: " + error.message);
    };
    driver_.post(core::GroupDissolved{id, true}, refused);
  }
}

void Gateway::form(std::vector<core::Group> groups) {
  formed_.clear();
  for (core::Group& group : groups) {
    formed_.insert(group.id);
    const auto refused = [this](const Error& error) {
      ports_.journal.write(ports::Level::error, {}, "not formed as configured: " + error.message);
    };
    driver_.post(core::GroupFormed{std::move(group)}, refused);
  }
}

void Gateway::remove(const Digest& blob) {
  if (const Result<void> removed = ports_.blobs.remove(blob); !removed)
    ports_.journal.write(ports::Level::warning, {}, "an old backup stays in the store: " + removed.error().message);
}

boost::asio::awaitable<void> Gateway::run() {
  ingest_.start();
  co_await driver_.run();
  co_await ingest_.stop();
  co_await deliver_.stop();
}

void Gateway::stop() {
  driver_.stop();
}

}  // namespace hg::service
