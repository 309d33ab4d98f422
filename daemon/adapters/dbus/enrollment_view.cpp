// SPDX-License-Identifier: Apache-2.0
// What is shown of who a child is and of what protects it, and of those whom nobody has enrolled.
#include "adapters/dbus/views.hpp"
#include "core/protection_judgement.hpp"

namespace hg::bus {
namespace {

std::string_view name_of(core::LinkSecurity security) {
  switch (security) {
    case core::LinkSecurity::claimed:
      return "claimed";
    case core::LinkSecurity::proven:
      return "proven";
    case core::LinkSecurity::none:
      break;
  }
  return "none";
}

/// All but its value.
Dictionary to_dictionary(const core::ChildKey& key) {
  return {{"Use", std::string{core::name_of(key.use)}},
          {"Kind", std::string{core::name_of(key.kind)}},
          {"Id", key.id.hex()},
          {"Name", key.name},
          {"Since", to_microseconds(key.since)},
          {"SetBy", key.set_by}};
}

Dictionary to_dictionary(const core::Discovered& met) {
  return {{"Id", met.id},
          {"Transport", met.transport},
          {"Address", met.address},
          {"VendorId", met.vendor ? to_text(*met.vendor) : std::string{}},
          {"ClassId", met.device_class ? to_text(*met.device_class) : std::string{}},
          {"Text", met.text},
          {"Since", to_microseconds(met.at)}};
}

/// What an identification came to outweighs what the child only says of itself.
void show_identity(ChildView& view, const core::Child& child) {
  if (child.identified == core::Identified::yes) view.identity_state = "proven";
  if (child.identified == core::Identified::wrong) view.identity_state = "wrong";
}

std::int64_t rssi_of(const ports::Radio& radio) {
  return radio.rssi ? std::int64_t{*radio.rssi} : kNoRssi;
}

std::uint64_t airtime_of(const ports::Radio& radio) {
  return static_cast<std::uint64_t>(std::chrono::microseconds(radio.airtime).count());
}

}  // namespace

std::string to_text(const core::Uuid& uuid) {
  std::string text = to_hex(uuid);
  for (const std::size_t position : {8U, 13U, 18U, 23U}) text.insert(position, 1, '-');
  return text;
}

void show_enrollment(ChildView& view, const core::Child& child, const core::State& state) {
  const core::Protected protection = protection_of(state, child);
  view.protection = core::name_of(protection.kind);
  view.protection_claimed = protection.is_claimed;
  view.link_security = name_of(child.link_security);
  const core::Origin origin = child.registration ? child.registration->origin : core::Origin::configuration;
  view.origin = core::name_of(origin);
  if (child.registration) view.enrolled_by = child.registration->by;
  for (const auto& [use, key] : child.keys) view.keys.push_back(to_dictionary(key));
  show_identity(view, child);
}

void ChildView::show(const std::optional<ports::Radio>& radio) {
  const ports::Radio said = radio.value_or(ports::Radio{});
  adapter = said.adapter;
  rssi = rssi_of(said);
  mtu = said.mtu.value_or(0);
  airtime_us = airtime_of(said);
  breaks = said.breaks;
}

bool ChildView::shows(const std::optional<ports::Radio>& radio) const {
  const ports::Radio said = radio.value_or(ports::Radio{});
  return adapter == said.adapter && rssi == rssi_of(said) && mtu == said.mtu.value_or(0) &&
         airtime_us == airtime_of(said) && breaks == said.breaks;
}

std::vector<Dictionary> discovered_in(const core::State& state) {
  std::vector<Dictionary> shown;
  for (const auto& [id, met] : state.discovered) shown.push_back(to_dictionary(met));
  return shown;
}

Numbers numbers_of(const ports::Counts& counts) {
  return {{"SignaturesVerified", counts.signatures_verified},
          {"ImagesHashed", counts.images_hashed},
          {"ImageHeadsHashed", counts.image_heads_hashed},
          {"ContentKeysOpened", counts.content_keys_opened},
          {"KeysWrapped", counts.keys_wrapped}};
}

}  // namespace hg::bus
