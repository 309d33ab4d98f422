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

void Gateway::enroll(std::vector<core::Enrollment> children) {
  for (const core::ChildId& id : enrolled_) {  // not State's: events of the last reload may still be in the queue
    const bool is_named = std::ranges::any_of(children, [&](const core::Enrollment& e) { return e.id == id; });
    if (!is_named) driver_.post(core::ChildDropped{id});
  }
  enrolled_.clear();
  for (const core::Enrollment& child : children) {
    enrolled_.push_back(child.id);
    driver_.post(core::ChildEnrolled{child});
  }
  ports_.transport.enroll(children);
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
