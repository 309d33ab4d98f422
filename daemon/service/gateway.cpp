// SPDX-License-Identifier: Apache-2.0
#include "service/gateway.hpp"

#include <algorithm>

namespace hg::service {

Gateway::Gateway(boost::asio::any_io_executor executor, GatewayPorts ports, GatewaySettings settings)
    : ports_(ports),
      driver_(executor, ports.catalogue, ports.clock, ports.journal),
      roots_(driver_, ports.rings, ports.clock, ports.journal),
      keys_(driver_, ports.blobs, ports.journal, ports.key_safe),
      link_keys_(driver_.state(), ports.transport, ports.journal, ports.key_safe),
      roster_(executor, driver_, RosterPorts{ports.transport, ports.clock, ports.journal, ports.child_types}),
      lists_(driver_, roster_, ports.clock, ports.journal, ports.key_safe),
      records_(driver_, roots_, keys_, lists_),
      deliver_(executor, driver_, ports.transport, ports.blobs, ports.clock, ports.key_safe,
               [this](ByteView bytes) { return roots_.authority().ring().sha256(bytes); }),
      ingest_(executor, driver_, roots_, records_, keys_,
              IngestPorts{ports.announcements,
                          AdmissionPorts{ports.fetcher, ports.blobs, ports.inspector, ports.clock, ports.journal},
                          ports.drop_box},
              settings.ingest),
      control_(
          Control::Parts{driver_, ingest_, deliver_, roots_, records_, roster_, ports.catalogue, ports.announcements,
                         ports.blobs, ports.clock, ports.journal, ports.transport, ports.key_safe, ports.counters},
          settings.urgency),
      reporter_(ports.journal) {
  driver_.on_action([this](core::Action action) { deliver_.start(std::move(action)); });
  driver_.on_unneeded([this](const Digest& blob) { remove(blob); });
  driver_.watch(link_keys_);
  driver_.watch(reporter_);
  if (ports.shutdown_lock != nullptr) driver_.watch(shutdown_guard_.emplace(*ports.shutdown_lock));
  driver_.judge_time_by([this] { return roots_.time().is_known; });
  ports_.transport.listen([this](core::LinkChanged change) { driver_.post(std::move(change)); });
}

Result<void> Gateway::recover(const TrustSource& source) {
  if (Result<void> recovered = driver_.recover(); !recovered) return recovered;
  if (has_lost_store_key()) {
    ports_.journal.write(ports::Level::warning, {},
                         "what was sealed under an earlier store key is lost: content keys must be granted or imported "
                         "anew, children's secrets set again (docs/keys.md)");
    driver_.post(core::StoreKeyReplaced{});
  }
  return roots_.choose(source);
}

/// Derived from what is kept, so that no crash between a new store key and its first use hides it.
bool Gateway::has_lost_store_key() const {
  if (ports_.key_safe == nullptr) return false;
  const ports::KeySafe& safe = *ports_.key_safe;
  bool has_sealed = false;
  for (const auto& [image, key] : driver_.state().content_keys) {
    if (safe.is_sealed_here(key)) return false;
    has_sealed = true;
  }
  for (const auto& [id, child] : driver_.state().children)
    for (const auto& [use, key] : child.keys) {
      if (!core::is_secret(key.kind)) continue;
      if (safe.is_sealed_here(id, key)) return false;
      has_sealed = true;
    }
  return has_sealed;
}

void Gateway::set_policy(core::Policy policy) {
  driver_.post(core::PolicyChanged{policy});
}

void Gateway::enroll(std::vector<core::Enrollment> children, std::vector<core::Layout> layouts,
                     std::vector<core::Group> groups) {
  driver_.post(core::LayoutsSaid{std::move(layouts)});
  roster_.configure(std::move(children));
  dissolve_all_but(groups);  // first: a child that moves must have left before it is taken
  form(std::move(groups));
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
  co_await roster_.stop();
  co_await deliver_.stop();
}

void Gateway::stop() {
  driver_.stop();
}

}  // namespace hg::service
