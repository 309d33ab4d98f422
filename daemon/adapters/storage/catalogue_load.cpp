// SPDX-License-Identifier: Apache-2.0
#include "adapters/storage/catalogue_load.hpp"

#include <functional>
#include <utility>

#include "adapters/storage/row.hpp"

namespace hg::storage {
namespace {

constexpr std::size_t kMaxKeyBytes = 16384;  // a certificate in DER, as large as crypto/child_key_material takes one
constexpr std::size_t kMaxTargets = 256;     // an image number each

/// Runs `take` for each row of `sql` until one fails. `key_column` names the row in messages.
Result<void> for_each(Database& database, std::string_view table, std::string_view sql, int key_column,
                      const std::function<void(Row&)>& take) {
  auto statement = database.prepare(sql);
  if (!statement) return statement.error().within("table " + std::string(table));
  for (;;) {
    const auto more = statement->next();
    if (!more) return more.error().within("table " + std::string(table));
    if (!*more) return {};
    Row row(*statement, table, statement->text(key_column));
    take(row);
    if (auto read = row.finish(); !read) return read;
  }
}

Result<void> load_meta(Database& database, core::State& state) {
  return for_each(database, "meta", "SELECT only_row, last_rollout, last_epoch FROM meta", 0, [&](Row& row) {
    state.last_rollout = row.number(1);
    state.last_epoch = row.number(2);
  });
}

Result<void> load_children(Database& database, core::State& state) {
  constexpr std::string_view kSql = "SELECT id, last_seen, committed, confirms_itself FROM child";
  return for_each(database, "child", kSql, 0, [&](Row& row) {
    core::Child child;
    child.enrollment.id = row.name(0);
    child.last_seen = row.instant(1);
    child.committed = row.text(2);
    child.confirms_itself = row.flag(3);
    state.children.insert_or_assign(child.enrollment.id, child);
  });
}

Result<void> load_child_keys(Database& database, core::State& state) {
  constexpr std::string_view kSql = "SELECT child, use_, kind, id, name, value, since, set_by FROM child_key";
  return for_each(database, "child_key", kSql, 0, [&](Row& row) {
    core::ChildKey key;
    key.use = row.named(1, core::key_use_from);
    key.kind = row.named(2, core::key_kind_from);
    key.id = row.digest(3);
    key.name = row.text(4);
    key.value = row.bytes(5, kMaxKeyBytes);
    key.since = row.instant(6);
    key.set_by = row.small<std::uint32_t>(7);
    row.owner(0, state.children, row.name(0)).keys.insert_or_assign(key.use, key);
  });
}

Result<void> load_registrations(Database& database, core::State& state) {
  constexpr std::string_view kSql =
      "SELECT child, transport, address, profile, vendor, device_class, origin, by_, at FROM registration";
  std::size_t count = 0;
  return for_each(database, "registration", kSql, 0, [&](Row& row) {
    core::Registration what;
    what.id = row.name(0);
    what.transport = row.text(1);
    what.address = row.text(2);
    what.profile = row.text(3);
    what.vendor = row.uuid(4);
    what.device_class = row.uuid(5);
    what.origin = row.named(6, core::origin_from);
    what.by = row.text(7);
    what.at = row.instant(8);
    if (++count > core::kMaxRegistrations) row.fail(0);
    row.owner(0, state.children, what.id).registration = what;
  });
}

Result<void> load_registration_targets(Database& database, core::State& state) {
  constexpr std::string_view kSql = "SELECT child, component, number FROM registration_target ORDER BY child, position";
  return for_each(database, "registration_target", kSql, 0, [&](Row& row) {
    core::Child& child = row.owner(0, state.children, row.name(0));
    if (!child.registration) return;
    if (child.registration->targets.size() >= kMaxTargets) row.fail(1);
    child.registration->targets.emplace_back(row.name(1), row.small<std::uint8_t>(2));
  });
}

Result<void> load_inspections(Database& database, core::State& state) {
  constexpr std::string_view kSql =
      "SELECT child, revert_class, bootloader, staging, obstacle, busy, busy_for, power, battery, identity, boots,"
      " unit, evidence FROM inspection";
  return for_each(database, "inspection", kSql, 0, [&](Row& row) {
    core::Inspection& seen = row.owner(0, state.children, row.name(0)).seen.emplace();
    seen.revert_class = row.named(1, core::revert_class_from);
    seen.bootloader = row.text(2);
    seen.staging = row.named(3, core::staging_from);
    seen.obstacle = row.text(4);
    seen.busy = row.flag(5);
    seen.busy_for = Duration{row.integer(6)};
    seen.power = row.named(7, core::power_from);
    if (row.has(8)) seen.battery_percent = row.small<std::uint8_t>(8);
    seen.identity = row.text(9);
    seen.boots = row.optional_number(10);
    seen.unit = row.text(11);
    seen.evidence = row.named(12, core::evidence_from);
  });
}

Result<void> load_floors(Database& database, core::State& state) {
  return for_each(database, "floor", "SELECT child, product, sequence FROM floor", 0, [&](Row& row) {
    row.owner(0, state.children, row.name(0)).floors.insert_or_assign(row.text(1), row.number(2));
  });
}

Result<void> load_slots(Database& database, core::State& state) {
  constexpr std::string_view kSql =
      "SELECT child, image, slot, version, digest, bootable, pending, confirmed, active, permanent FROM slot"
      " ORDER BY child, position";
  return for_each(database, "slot", kSql, 0, [&](Row& row) {
    core::Slot slot;
    slot.image = row.small<std::uint8_t>(1);
    slot.slot = row.small<std::uint8_t>(2);
    slot.version = row.text(3);
    slot.digest = row.digest(4);
    slot.bootable = row.flag(5);
    slot.pending = row.flag(6);
    slot.confirmed = row.flag(7);
    slot.active = row.flag(8);
    slot.permanent = row.flag(9);
    core::Child& child = row.owner(0, state.children, row.name(0));
    if (child.seen) child.seen->slots.push_back(std::move(slot));
  });
}

Result<void> load_updates(Database& database, core::State& state) {
  constexpr std::string_view kSql =
      "SELECT child, epoch, rollout, deliverable, delivered, phase, decision, order_, orders, attempts, since, until,"
      " reason, cause, permit, backup, restore_due, restores, group_, pivot, after_commit FROM update_";
  return for_each(database, "update_", kSql, 0, [&](Row& row) {
    core::Update update;
    update.epoch = row.number(1);
    update.rollout = row.number(2);
    update.deliverable = row.text(3);
    update.delivered = row.number(4);
    update.phase = row.named(5, core::phase_from);
    update.decision = row.named(6, core::decision_from);
    update.order = row.named(7, core::order_from);
    update.orders = row.small<unsigned>(8);
    update.attempts = row.small<unsigned>(9);
    update.since = row.instant(10);
    update.until = row.instant(11);
    update.cause.reason = row.named(12, core::reason_from);
    update.cause.text = row.text(13);
    update.permit = row.text(14);
    update.backup = row.digest(15);
    update.restore_is_due = row.flag(16);
    update.restores = row.small<unsigned>(17);
    update.group = row.text(18);
    update.pivot = row.flag(19);
    update.after_commit = row.flag(20);
    row.owner(0, state.children, row.name(0)).update = std::move(update);
  });
}

Result<void> load_parts(Database& database, core::State& state) {
  constexpr std::string_view kSql = "SELECT child, number, image, before_, after_ FROM part ORDER BY child, position";
  return for_each(database, "part", kSql, 0, [&](Row& row) {
    core::Part part{row.small<std::uint8_t>(1), row.digest(2), row.digest(3), row.digest(4)};
    core::Child& child = row.owner(0, state.children, row.name(0));
    if (child.update) child.update->parts.push_back(part);
  });
}

Result<void> load_views(Database& database, core::State& state) {
  return for_each(database, "view_", "SELECT child, image, digest, key, record FROM view_", 0, [&](Row& row) {
    core::View view{row.digest(2), row.digest(3), {}, row.bytes(4, core::kMaxRecordBytes)};
    core::Child& child = row.owner(0, state.children, row.name(0));
    if (child.update) child.update->views.insert_or_assign(row.digest(1), view);
  });
}

Result<void> load_patches(Database& database, core::State& state) {
  constexpr std::string_view kSql = "SELECT child, image, offset_, bytes FROM patch ORDER BY child, image, position";
  return for_each(database, "patch", kSql, 0, [&](Row& row) {
    core::Patch patch{row.number(2), row.bytes(3, core::kMaxPatchBytes)};
    core::Child& child = row.owner(0, state.children, row.name(0));
    if (!child.update) return;
    core::View& view = row.owner(1, child.update->views, row.digest(1));
    if (view.patches.size() >= core::kMaxPatches) row.fail(2);
    view.patches.push_back(std::move(patch));
  });
}

Result<void> load_groups(Database& database, core::State& state) {
  return for_each(database, "group_", "SELECT id, layout, committed, configured, reported FROM group_", 0,
                  [&](Row& row) {
                    core::Group group{row.name(0), row.text(1), {}, row.text(2), row.flag(3), row.flag(4)};
                    state.groups.insert_or_assign(group.id, group);
                  });
}

Result<void> load_members(Database& database, core::State& state) {
  constexpr std::string_view kSql = "SELECT group_, role, child FROM member ORDER BY group_, position";
  return for_each(database, "member", kSql, 0, [&](Row& row) {
    core::Member member{row.name(1), row.name(2)};
    row.owner(0, state.groups, row.name(0)).members.push_back(std::move(member));
  });
}

Result<void> load_deliverables(Database& database, core::State& state) {
  constexpr std::string_view kSql =
      "SELECT id, product, sequence, version, source, sealed_at, priority FROM deliverable";
  return for_each(database, "deliverable", kSql, 0, [&](Row& row) {
    core::Deliverable deliverable;
    deliverable.id = row.name(0);
    deliverable.product = row.text(1);
    deliverable.sequence = row.number(2);
    deliverable.version = row.text(3);
    deliverable.source = row.text(4);
    deliverable.sealed_at = row.instant(5);
    if (row.has(6)) deliverable.priority = row.integer(6);
    state.deliverables.insert_or_assign(deliverable.id, deliverable);
  });
}

Result<void> load_signers(Database& database, core::State& state) {
  constexpr std::string_view kSql = "SELECT deliverable, name FROM signer ORDER BY deliverable, position";
  return for_each(database, "signer", kSql, 0,
                  [&](Row& row) { row.owner(0, state.deliverables, row.name(0)).signers.push_back(row.text(1)); });
}

Result<void> load_images(Database& database, core::State& state) {
  constexpr std::string_view kSql =
      "SELECT deliverable, component, vendor, device_class, digest, size, version, running_digest, encrypted, slot,"
      " use_before, not_before, battery_mwh, authorization_, position, wrap, key_bits, wrap_offset, wrap_size, "
      "wrap_info"
      " FROM image ORDER BY deliverable, position";
  return for_each(database, "image", kSql, 0, [&](Row& row) {
    core::Image image;
    image.component = row.text(1);
    image.vendor = row.uuid(2);
    image.device_class = row.uuid(3);
    image.digest = row.digest(4);
    image.size = row.number(5);
    image.version = row.text(6);
    image.running_digest = row.digest(7);
    image.encrypted = row.flag(8);
    image.slot = row.optional_number(9);
    image.conditions.use_before = row.optional_instant(10);
    image.conditions.not_before = row.optional_instant(11);
    image.conditions.minimum_battery_mwh = row.optional_number(12);
    image.conditions.needs_authorization = row.flag(13);
    auto& images = row.owner(0, state.deliverables, row.name(0)).images;
    if (row.has(15))
      image.sealing = core::Sealing{row.named(15, core::wrap_from), row.small<unsigned>(16), row.number(17),
                                    row.small<std::uint32_t>(18), row.bytes(19, core::kMaxSealingInfo)};
    if (row.number(14) != images.size()) row.fail(14);  // conditions name images by position: no gaps
    images.push_back(std::move(image));
  });
}

Result<void> load_version_conditions(Database& database, core::State& state) {
  constexpr std::string_view kSql =
      "SELECT deliverable, image, operator, version FROM version_condition ORDER BY deliverable, image, position";
  return for_each(database, "version_condition", kSql, 0, [&](Row& row) {
    auto& images = row.owner(0, state.deliverables, row.name(0)).images;
    const std::size_t image = row.index(1, images.size());
    if (image >= images.size()) return;
    images[image].conditions.versions.push_back({row.named(2, version_op_from), row.version(3)});
  });
}

Result<void> load_rollouts(Database& database, core::State& state) {
  constexpr std::string_view kSql = "SELECT id, deliverable, started_by, started_at, approved, forced FROM rollout";
  return for_each(database, "rollout", kSql, 0, [&](Row& row) {
    core::Rollout rollout;
    rollout.id = row.number(0);
    rollout.deliverable = row.text(1);
    rollout.started_by = row.small<std::uint32_t>(2);
    rollout.started_at = row.instant(3);
    rollout.approved = row.flag(4);
    rollout.forced = row.flag(5);
    state.rollouts.insert_or_assign(rollout.id, rollout);
  });
}

Result<void> load_rollout_children(Database& database, core::State& state) {
  constexpr std::string_view kSql = "SELECT rollout, child FROM rollout_child ORDER BY rollout, position";
  return for_each(database, "rollout_child", kSql, 0,
                  [&](Row& row) { row.owner(0, state.rollouts, row.number(0)).children.push_back(row.name(1)); });
}

Result<void> load_announcements(Database& database, core::State& state) {
  return for_each(database, "announcement", "SELECT url, heard FROM announcement", 0,
                  [&](Row& row) { state.announced.insert_or_assign(row.name(0), row.instant(1)); });
}

Result<void> load_enrollment_lists(Database& database, core::State& state) {
  return for_each(database, "enrollment_list", "SELECT name, version FROM enrollment_list", 0,
                  [&](Row& row) { state.enrollment_lists.insert_or_assign(row.text(0), row.number(1)); });
}

Result<void> load_heads(Database& database, core::State& state) {
  return for_each(database, "head", "SELECT channel, version, issued, expires FROM head", 0, [&](Row& row) {
    core::Head head{row.text(0), row.number(1), row.instant(2), row.instant(3), {}};
    state.heads.insert_or_assign(head.channel, head);
  });
}

Result<void> load_head_entries(Database& database, core::State& state) {
  constexpr std::string_view kSql =
      "SELECT channel, product, sequence, manifest, minimum FROM head_entry ORDER BY channel, position";
  return for_each(database, "head_entry", kSql, 0, [&](Row& row) {
    core::HeadEntry entry{row.text(1), row.number(2), row.text(3), row.number(4)};
    row.owner(0, state.heads, row.text(0)).entries.push_back(std::move(entry));
  });
}

Result<void> load_permits(Database& database, core::State& state) {
  constexpr std::string_view kSql =
      "SELECT id, product, from_, to_, child, device_class, not_after, signers FROM permit";
  return for_each(database, "permit", kSql, 0, [&](Row& row) {
    core::Permit permit;
    permit.id = row.checked(0, core::is_permit_id);
    permit.product = row.text(1);
    permit.from = row.number(2);
    permit.to = row.number(3);
    if (row.has(4)) {
      permit.whom = row.name(4);
    } else {
      permit.whom = row.uuid(5);
    }
    permit.not_after = row.instant(6);
    permit.signers = row.text(7);
    state.permits.insert_or_assign(permit.id, permit);
  });
}

Result<void> load_permit_uses(Database& database, core::State& state) {
  return for_each(database, "permit_use", "SELECT permit, child, epoch FROM permit_use", 0, [&](Row& row) {
    row.owner(0, state.permits, row.name(0)).uses.insert_or_assign(row.name(1), row.number(2));
  });
}

Result<void> load_grants(Database& database, core::State& state) {
  return for_each(database, "key_grant", "SELECT image, not_after, record FROM key_grant", 0, [&](Row& row) {
    core::Grant grant{row.digest(0), row.instant(1), row.bytes(2)};
    state.grants.insert_or_assign(grant.image, grant);
  });
}

Result<void> load_content_keys(Database& database, core::State& state) {
  constexpr std::string_view kSql = "SELECT image, sealed, fingerprint, plaintext, not_after FROM content_key";
  return for_each(database, "content_key", kSql, 0, [&](Row& row) {
    core::ContentKey key{row.digest(0), row.bytes(1, core::kMaxSealedKey), row.digest(2), row.digest(3),
                         row.optional_instant(4)};
    if (state.content_keys.size() >= core::kMaxContentKeys) row.fail(0);
    state.content_keys.insert_or_assign(key.image, key);
  });
}

Result<void> load_root(Database& database, core::State& state) {
  return for_each(database, "trust_root", "SELECT only_row, version, record FROM trust_root", 0, [&](Row& row) {
    state.root.version = row.number(1);
    state.root.record = row.bytes(2);
  });
}

Result<void> load_gateway_floors(Database& database, core::State& state) {
  return for_each(database, "gateway_floor", "SELECT product, sequence FROM gateway_floor", 0,
                  [&](Row& row) { state.floors.insert_or_assign(row.text(0), row.number(1)); });
}

}  // namespace

Result<core::State> load_state(Database& database) {
  core::State state;
  for (const auto load : {load_meta,          load_children,
                          load_floors,        load_child_keys,
                          load_registrations, load_registration_targets,
                          load_inspections,   load_slots,
                          load_updates,       load_parts,
                          load_views,         load_patches,
                          load_groups,        load_members,
                          load_deliverables,  load_signers,
                          load_images,        load_version_conditions,
                          load_rollouts,      load_rollout_children,
                          load_announcements, load_enrollment_lists,
                          load_heads,         load_head_entries,
                          load_permits,       load_permit_uses,
                          load_grants,        load_content_keys,
                          load_root,          load_gateway_floors}) {
    if (auto loaded = load(database, state); !loaded) return loaded.error();
  }
  return state;
}

Result<std::vector<core::PutHistory>> load_history(Database& database, const core::ChildId& child, unsigned count) {
  auto statement = database.prepare(
      "SELECT at, epoch, deliverable, phase, reason, cause FROM history WHERE child = ?1 ORDER BY line DESC LIMIT ?2");
  if (!statement) return statement.error();
  std::vector<core::PutHistory> lines;
  statement->bind(child, count);
  for (;;) {
    const auto more = statement->next();
    if (!more) return more.error();
    if (!*more) return lines;
    Row row(*statement, "history", child);
    core::PutHistory line;
    line.at = row.instant(0);
    line.child = child;
    line.epoch = row.number(1);
    line.deliverable = row.text(2);
    line.phase = row.named(3, core::phase_from);
    line.cause.reason = row.named(4, core::reason_from);
    line.cause.text = row.text(5);
    if (auto read = row.finish(); !read) return read.error();
    lines.push_back(std::move(line));
  }
}

}  // namespace hg::storage
