// SPDX-License-Identifier: Apache-2.0
#include "service/gateway.hpp"

#include <algorithm>

namespace hg::service {

Gateway::Gateway(boost::asio::any_io_executor executor, GatewayPorts ports, IngestLimits limits)
    : ports_(ports),
      driver_(executor, ports.catalogue, ports.clock, ports.journal),
      deliver_(executor, driver_, ports.transport, ports.blobs, ports.clock),
      ingest_(executor, driver_,
              IngestPorts{ports.announcements, ports.fetcher, ports.blobs, ports.inspector, ports.clock, ports.journal,
                          ports.anchors},
              limits),
      control_(driver_, ingest_, deliver_, ports.catalogue, ports.announcements, ports.blobs),
      reporter_(ports.journal) {
  driver_.on_action([this](core::Action action) { deliver_.start(std::move(action)); });
  driver_.watch(reporter_);
  ports_.transport.listen([this](core::LinkChanged change) { driver_.post(std::move(change)); });
}

Result<void> Gateway::recover() {
  return driver_.recover();
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
