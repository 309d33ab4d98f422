// SPDX-License-Identifier: Apache-2.0
#include "service/translation.hpp"

#include <algorithm>

namespace hg::service {

namespace {

/// Later than 9999 is never.
Instant instant_from(std::uint64_t seconds) {
  constexpr std::uint64_t kEndOf9999 = 253'402'300'799;
  return Instant{std::chrono::seconds{std::min(seconds, kEndOf9999)}};
}

core::Conditions to_core(const suit::Conditions& conditions) {
  core::Conditions result;
  if (conditions.use_before) result.use_before = instant_from(*conditions.use_before);
  if (conditions.not_before) result.not_before = instant_from(*conditions.not_before);
  result.minimum_battery_mwh = conditions.minimum_battery_mwh;
  result.versions = conditions.versions;
  result.needs_authorization = conditions.needs_authorization;
  return result;
}

}  // namespace

core::Deliverable to_core(const suit::Manifest& manifest, core::DeliverableId id) {
  core::Deliverable deliverable;
  deliverable.id = std::move(id);
  deliverable.product = manifest.product;
  deliverable.sequence = manifest.sequence;
  deliverable.version = manifest.version;
  deliverable.signers = manifest.signers;
  deliverable.priority = manifest.priority;
  return deliverable;
}

core::Image to_core(const suit::Image& image) {
  core::Image result;
  result.component = image.component.text();
  result.vendor = image.vendor_id.value_or(suit::Uuid{});
  result.device_class = image.class_id.value_or(suit::Uuid{});
  result.digest = image.digest.value_or(Digest{});
  result.size = image.size.value_or(0);
  result.version = image.version;
  result.encrypted = !image.encryption_info.empty();
  if (result.encrypted) result.sealing = core::Sealing{core::Wrap::cose, 0, 0, 0, image.encryption_info};
  result.conditions = to_core(image.conditions);
  result.slot = image.slot;
  return result;
}

Result<void> check_can_be_kept(const suit::Image& image) {
  if (image.device_id)
    return Error{Errc::unsupported, "for one device id only, and children of this gateway do not tell theirs"};
  if (!image.conditions.after.empty())
    return Error{Errc::unsupported, "waits for a version of " + image.conditions.after.front().target +
                                        ": updates of this gateway do not wait for each other"};
  return {};
}

core::Head to_core(const trust::Head& head) {
  core::Head result{head.channel, head.version, head.issued, head.expires, {}};
  for (const trust::HeadEntry& entry : head.entries)
    result.entries.push_back({entry.product, entry.sequence, entry.manifest.hex(), entry.minimum});
  return result;
}

trust::Head to_trust(const core::Head& head) {
  trust::Head result{head.channel, head.version, head.issued, head.expires, {}};
  for (const core::HeadEntry& entry : head.entries) {
    const Digest manifest = Digest::from_text(entry.manifest).value_or(Digest{});
    result.entries.push_back({entry.product, entry.sequence, manifest, entry.minimum});
  }
  return result;
}

core::Permit to_core(const trust::Permit& permit, std::string signers) {
  core::Permit result;
  result.id = to_hex(permit.id);
  result.product = permit.product;
  result.from = permit.from;
  result.to = permit.to;
  if (const auto* child = std::get_if<std::string>(&permit.whom)) result.whom = *child;
  if (const auto* device_class = std::get_if<trust::Permit::Class>(&permit.whom)) result.whom = *device_class;
  result.not_after = permit.not_after;
  result.signers = std::move(signers);
  return result;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

}  // namespace hg::service
