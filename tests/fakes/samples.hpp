// SPDX-License-Identifier: Apache-2.0
// Values of core's words with every field set, for tests that store or show them.
#pragma once

#include <string>

#include "core/engine.hpp"

namespace hg::fakes {

inline Digest sample_digest(std::uint8_t fill) {
  return *Digest::from_bytes(Bytes(32, fill));
}

inline core::Slot sample_slot(std::uint8_t number) {
  return {1,           number, "1.2." + std::to_string(number), sample_digest(number), true, false, number == 0,
          number == 0, true};
}

inline core::PermitId sample_permit_id(std::uint8_t fill) {
  return to_hex(Bytes(16, fill));
}

inline core::Update sample_update() {
  core::Update update;
  update.epoch = 77;
  update.rollout = 5;
  update.deliverable = sample_digest(9).hex();
  update.parts = {{0, sample_digest(1), sample_digest(2), sample_digest(3)},
                  {1, sample_digest(5), {}, sample_digest(6)}};
  update.delivered = 1;
  update.phase = core::Phase::activating;
  update.decision = core::Decision::activate;
  update.order = core::Order::activate;
  update.orders = 2;
  update.attempts = 3;
  update.since = Instant{Duration{1'790'000'000'123}};
  update.until = Instant{Duration{1'790'000'060'456}};
  update.cause = {core::Reason::not_answering, "no answer in 10 s"};
  update.permit = sample_permit_id(4);
  update.backup = sample_digest(7);
  update.restore_is_due = true;
  update.restores = 2;
  update.group = "left";
  update.pivot = true;
  update.after_commit = true;
  update.views[sample_digest(1)] = {sample_digest(21), sample_digest(22), {{7, Bytes(3, 1)}, {400, Bytes(113, 2)}}, {}};
  update.views[sample_digest(5)] = {sample_digest(5), sample_digest(22), {}, Bytes(200, 0xD8)};
  return update;
}

inline core::ChildKey sample_key(core::KeyUse use, core::KeyKind kind) {
  return {use, kind, sample_digest(22), "acme/boiler/0017", Bytes(91, 0x30), Instant{Duration{1'790'000'006'000}},
          1000};
}

inline core::Registration sample_registration(const core::ChildId& id) {
  core::Registration what;
  what.id = id;
  what.transport = "serial";
  what.address = "/dev/serial/by-path/" + id;
  what.profile = "boiler";
  what.vendor.fill(1);
  what.device_class.fill(101);
  what.targets = {{"radio", 1}, {"app", 0}};
  what.origin = core::Origin::list;
  what.by = "enroll-2026";
  what.at = Instant{Duration{1'790'000'007'000}};
  return what;
}

/// As load() brings it back: no enrollment but the id, nothing that is not persisted.
inline core::Child sample_child(const std::string& id) {
  core::Child child;
  child.enrollment.id = id;
  child.seen.emplace();
  child.seen->slots = {sample_slot(0), sample_slot(1)};
  child.seen->revert_class = core::RevertClass::swap_back;
  child.seen->bootloader = "MCUboot mode 3";
  child.seen->battery_percent = 87;
  child.seen->busy = true;
  child.seen->staging = core::Staging::impossible;
  child.seen->obstacle = "MCUboot mode 4: direct-XIP";
  child.seen->busy_for = std::chrono::minutes{5};
  child.seen->power = core::Power::battery;
  child.seen->identity = "acme/boiler/0017";
  child.seen->boots = 41;
  child.seen->unit = "HTR-0042";
  child.seen->evidence = core::Evidence::version;
  child.last_seen = Instant{Duration{1'790'000'000'999}};
  child.floors = {{"boiler", 12}, {"boiler-lite", 3}};
  child.committed = sample_digest(8).hex();
  child.confirms_itself = true;
  child.keys[core::KeyUse::wrap] = sample_key(core::KeyUse::wrap, core::KeyKind::p256);
  child.keys[core::KeyUse::identify] = sample_key(core::KeyUse::identify, core::KeyKind::hmac);
  child.registration = sample_registration(id);
  child.update = sample_update();
  return child;
}

inline core::Deliverable sample_deliverable(std::uint8_t fill) {
  core::Deliverable what;
  what.id = sample_digest(fill).hex();
  what.product = "boiler";
  what.sequence = 13;
  what.version = "1.3.0";
  what.signers = {"vendor-2026", "vendor-offline"};
  what.source = "https://images.example/boiler-1.3.0.suit";
  what.sealed_at = Instant{Duration{1'790'000'001'000}};
  for (std::uint8_t n = 1; n <= 2; ++n) {
    core::Image image;
    image.component = "app/" + std::to_string(n);
    image.vendor.fill(n);
    image.device_class.fill(static_cast<std::uint8_t>(n + 100));
    image.digest = sample_digest(n);
    image.size = 100'000U + n;
    image.version = "1.3.0.4";
    if (n == 1) image.running_digest = sample_digest(static_cast<std::uint8_t>(n + 50));
    image.encrypted = n == 2;
    if (n == 2) image.sealing = core::Sealing{core::Wrap::ec256, 256, 99'000, 113, Bytes(90, 0x42)};
    if (n == 2) {
      image.slot = 1;
      image.conditions.use_before = Instant{Duration{1'990'000'000'000}};
      image.conditions.not_before = Instant{Duration{1'690'000'000'000}};
      image.conditions.minimum_battery_mwh = 2'500;
      image.conditions.versions = {{VersionOp::greater_equal, {1, 2, -1, 3}}, {VersionOp::lesser, {2}}};
      image.conditions.needs_authorization = true;
    }
    what.images.push_back(image);
  }
  what.priority = -7;
  return what;
}

inline core::Rollout sample_rollout(core::RolloutId id) {
  return {id, sample_digest(9).hex(), {"pump-2", "boiler-1"}, 1000, Instant{Duration{1'790'000'002'000}}, true};
}

inline core::Group sample_group(const core::GroupId& id) {
  return {id, "heater", {{"panel", "pump-2"}, {"burner", "boiler-1"}}, sample_digest(8).hex(), true};
}

inline core::Head sample_head(const std::string& channel, std::uint64_t version) {
  return {channel,
          version,
          Instant{Duration{1'790'000'003'000}},
          Instant{Duration{1'790'600'003'000}},
          {{"pump", 4, sample_digest(4).hex(), 2}, {"boiler", 13, sample_digest(9).hex(), 0}}};
}

/// Of one child when `fill` is even, of a class when it is odd.
inline core::Permit sample_permit(std::uint8_t fill) {
  core::Permit permit;
  permit.id = sample_permit_id(fill);
  permit.product = "boiler";
  permit.from = 13;
  permit.to = 12;
  permit.whom = "boiler-1";
  if (fill % 2 == 1) permit.whom = core::Uuid{fill, 1, 2};
  permit.not_after = Instant{Duration{1'790'000'004'000}};
  permit.signers = "vendor-2026, vendor-offline";
  permit.uses = {{"boiler-1", 77}, {"pump-2", 78}};
  return permit;
}

inline core::Grant sample_grant(std::uint8_t fill) {
  return {sample_digest(fill), Instant{Duration{1'790'000'005'000}}, Bytes(300, fill)};
}

/// By a grant when `fill` is odd.
inline core::ContentKey sample_content_key(std::uint8_t fill) {
  core::ContentKey key{sample_digest(fill), Bytes(60, fill), sample_digest(static_cast<std::uint8_t>(fill + 1)),
                       sample_digest(static_cast<std::uint8_t>(fill + 2))};
  if (fill % 2 == 1) key.not_after = Instant{Duration{1'790'000'008'000}};
  return key;
}

inline core::PutHistory sample_line(const std::string& child, core::Epoch epoch) {
  return {Instant{Duration{1'790'000'000'000 + static_cast<std::int64_t>(epoch)}},
          child,
          epoch,
          sample_digest(9).hex(),
          core::Phase::confirmed,
          {core::Reason::came_back_old, "text"}};
}

}  // namespace hg::fakes
