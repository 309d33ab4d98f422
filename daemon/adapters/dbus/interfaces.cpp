// SPDX-License-Identifier: Apache-2.0
#include "adapters/dbus/interfaces.hpp"

#include "adapters/dbus/names.hpp"

namespace hg::bus {
namespace {

template <class View>
Interface<View> make(const char* name, std::vector<Property<View>> properties,
                     std::vector<sd_bus_vtable> methods_and_signals) {
  std::vector<sd_bus_vtable> vtable{SD_BUS_VTABLE_START(0)};
  for (const Property<View>& property : properties) {
    sd_bus_vtable entry SD_BUS_PROPERTY(property.name, property.signature, property.get, 0,
                                        SD_BUS_VTABLE_PROPERTY_CONST);
    if (property.changes) entry.flags = SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE;
    vtable.push_back(entry);
  }
  vtable.insert(vtable.end(), methods_and_signals.begin(), methods_and_signals.end());
  vtable.push_back(SD_BUS_VTABLE_END);
  return {name, std::move(properties), std::move(vtable)};
}

// Unprivileged means: sd-bus lets everybody call it; requests.cpp says what polkit has to allow.
constexpr std::uint64_t kOpen = SD_BUS_VTABLE_UNPRIVILEGED;

Interface<ManagerView> make_manager() {
  return make<ManagerView>(
      kManagerInterface,
      {constant<&ManagerView::version>("Version"), changing<&ManagerView::state>("State"),
       changing<&ManagerView::trouble>("Trouble"), changing<&ManagerView::cloud_connected>("CloudConnected"),
       changing<&ManagerView::cache_used>("CacheUsed"), changing<&ManagerView::cache_limit>("CacheLimit"),
       changing<&ManagerView::discovered_count>("DiscoveredCount"), changing<&ManagerView::arrivals>("Arrivals")},
      {SD_BUS_METHOD_WITH_ARGS("StartRollout", SD_BUS_ARGS("o", deliverable, "ao", children, "a{sv}", options),
                               SD_BUS_RESULT("o", rollout), on_call, kOpen),
       SD_BUS_METHOD_WITH_ARGS("Fetch", SD_BUS_ARGS("s", url, "a{sv}", options), SD_BUS_NO_RESULT, on_call, kOpen),
       SD_BUS_METHOD_WITH_ARGS("Import", SD_BUS_ARGS("h", file, "a{sv}", options), SD_BUS_RESULT("s", url), on_call,
                               kOpen),
       SD_BUS_METHOD_WITH_ARGS("CreateGroup", SD_BUS_ARGS("s", name, "s", layout, "a(ss)", members, "a{sv}", options),
                               SD_BUS_RESULT("o", group), on_call, kOpen),
       SD_BUS_METHOD_WITH_ARGS("DissolveGroup", SD_BUS_ARGS("s", name, "a{sv}", options), SD_BUS_NO_RESULT, on_call,
                               kOpen),
       SD_BUS_METHOD_WITH_ARGS("EnrollChild", SD_BUS_ARGS("s", name, "a{sv}", what), SD_BUS_RESULT("o", child), on_call,
                               kOpen),
       SD_BUS_METHOD_WITH_ARGS("ListDiscovered", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", discovered), on_call, kOpen),
       SD_BUS_METHOD_WITH_ARGS("GetCounts", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{st}", counts), on_call, kOpen),
       SD_BUS_METHOD_WITH_ARGS("FindChild", SD_BUS_ARGS("s", id), SD_BUS_RESULT("o", child), on_call, kOpen),
       SD_BUS_SIGNAL_WITH_ARGS("JobRemoved", SD_BUS_ARGS("o", job, "s", result, "a{sv}", details), 0)});
}

Interface<TrustView> make_trust() {
  return make<TrustView>(
      kTrustInterface,
      {changing<&TrustView::root_version>("RootVersion"), changing<&TrustView::time_known>("TimeKnown"),
       changing<&TrustView::keys>("Keys"), changing<&TrustView::heads>("Heads"),
       changing<&TrustView::head_entries>("HeadEntries"), changing<&TrustView::permits>("Permits"),
       changing<&TrustView::grants>("Grants"), changing<&TrustView::floors>("Floors")},
      {SD_BUS_METHOD_WITH_ARGS("ImportRecord", SD_BUS_ARGS("ay", record, "a{sv}", options), SD_BUS_RESULT("s", kind),
                               on_call, kOpen)});
}

Interface<ChildView> make_child() {
  return make<ChildView>(
      kChildInterface,
      {constant<&ChildView::id>("Id"),
       changing<&ChildView::transport>("Transport"),
       changing<&ChildView::address>("Address"),
       changing<&ChildView::profile>("Profile"),
       changing<&ChildView::origin>("Origin"),
       changing<&ChildView::enrolled_by>("EnrolledBy"),
       changing<&ChildView::online>("Online"),
       changing<&ChildView::link_text>("LinkText"),
       changing<&ChildView::link_security>("LinkSecurity"),
       changing<&ChildView::protection>("Protection"),
       changing<&ChildView::protection_claimed>("ProtectionClaimed"),
       changing<&ChildView::adapter>("Adapter"),
       changing<&ChildView::rssi>("Rssi"),
       changing<&ChildView::mtu>("Mtu"),
       changing<&ChildView::airtime_us>("Airtime"),
       changing<&ChildView::breaks>("LinkBreaks"),
       changing<&ChildView::keys>("Keys"),
       changing<&ChildView::version>("Version"),
       changing<&ChildView::digest>("Digest"),
       changing<&ChildView::targets>("Targets"),
       changing<&ChildView::slots>("Slots"),
       changing<&ChildView::revert_class>("RevertClass"),
       changing<&ChildView::evidence>("Evidence"),
       changing<&ChildView::confirms_itself>("ConfirmsItself"),
       changing<&ChildView::bootloader>("Bootloader"),
       changing<&ChildView::staging>("Staging"),
       changing<&ChildView::obstacle>("Obstacle"),
       changing<&ChildView::identity>("Identity"),
       changing<&ChildView::identity_state>("IdentityState"),
       changing<&ChildView::power>("Power"),
       changing<&ChildView::battery>("Battery"),
       changing<&ChildView::busy>("Busy"),
       changing<&ChildView::busy_for_us>("BusyFor"),
       changing<&ChildView::boots>("Boots"),
       changing<&ChildView::unit>("Unit"),
       changing<&ChildView::unit_text>("UnitText"),
       changing<&ChildView::last_seen_us>("LastSeen"),
       changing<&ChildView::group>("Group"),
       changing<&ChildView::role>("Role"),
       changing<&ChildView::committed>("Committed"),
       changing<&ChildView::phase>("Phase"),
       changing<&ChildView::decision>("Decision"),
       changing<&ChildView::gate>("Gate"),
       changing<&ChildView::reason>("Reason"),
       changing<&ChildView::reason_text>("ReasonText"),
       changing<&ChildView::attempts>("Attempts"),
       changing<&ChildView::until_us>("Until"),
       changing<&ChildView::backup>("Backup"),
       changing<&ChildView::restore_due>("RestoreDue"),
       changing<&ChildView::job>("Job")},
      {SD_BUS_METHOD_WITH_ARGS("Forget", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, on_call, kOpen),
       SD_BUS_METHOD_WITH_ARGS("SetKey", SD_BUS_ARGS("s", use, "h", key, "a{sv}", options), SD_BUS_RESULT("s", id),
                               on_call, kOpen),
       SD_BUS_METHOD_WITH_ARGS("RevokeKey", SD_BUS_ARGS("s", use, "a{sv}", options), SD_BUS_NO_RESULT, on_call, kOpen),
       SD_BUS_METHOD_WITH_ARGS("ReplaceBoard", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, on_call, kOpen),
       SD_BUS_METHOD_WITH_ARGS("GetHistory", SD_BUS_ARGS("u", count), SD_BUS_RESULT("aa{sv}", lines), on_call, kOpen)});
}

Interface<GroupView> make_group() {
  return make<GroupView>(
      kGroupInterface,
      {constant<&GroupView::name>("Name"), changing<&GroupView::layout>("Layout"),
       changing<&GroupView::members>("Members"), changing<&GroupView::committed>("Committed"),
       changing<&GroupView::configured>("Configured"), changing<&GroupView::reported>("Reported"),
       changing<&GroupView::phase>("Phase"), changing<&GroupView::decision>("Decision"),
       changing<&GroupView::deliverable>("Deliverable"), changing<&GroupView::rollout>("Rollout"),
       changing<&GroupView::failing_member>("FailingMember"), changing<&GroupView::reason>("Reason"),
       changing<&GroupView::text>("Text"), changing<&GroupView::until_us>("Until"),
       changing<&GroupView::waiting_for>("WaitingFor")},
      {SD_BUS_METHOD_WITH_ARGS("Repair", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", rollout), on_call, kOpen),
       SD_BUS_METHOD_WITH_ARGS("Resolve", SD_BUS_ARGS("s", child, "s", way, "a{sv}", options), SD_BUS_NO_RESULT,
                               on_call, kOpen)});
}

Interface<DeliverableView> make_deliverable() {
  return make<DeliverableView>(
      kDeliverableInterface,
      {constant<&DeliverableView::id>("Id"), constant<&DeliverableView::product>("Product"),
       constant<&DeliverableView::version>("Version"), constant<&DeliverableView::sequence>("Sequence"),
       constant<&DeliverableView::signer>("Signer"), constant<&DeliverableView::signers>("Signers"),
       constant<&DeliverableView::priority>("Priority"), constant<&DeliverableView::urgency>("Urgency"),
       constant<&DeliverableView::source>("Source"), constant<&DeliverableView::sealed_at_us>("SealedAt"),
       constant<&DeliverableView::images>("Images"), constant<&DeliverableView::size>("Size")},
      {SD_BUS_METHOD_WITH_ARGS("DeclareBaseline", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, on_call, kOpen)});
}

Interface<RolloutView> make_rollout() {
  return make<RolloutView>(
      kRolloutInterface,
      {constant<&RolloutView::id>("Id"), constant<&RolloutView::deliverable>("Deliverable"),
       changing<&RolloutView::children>("Children"), constant<&RolloutView::started_by_uid>("StartedByUid"),
       constant<&RolloutView::start_time_us>("StartTime"), constant<&RolloutView::approved>("Approved"),
       constant<&RolloutView::forced>("Forced"), changing<&RolloutView::state>("State"),
       changing<&RolloutView::total>("Total"), changing<&RolloutView::confirmed>("Confirmed"),
       changing<&RolloutView::failed>("Failed"), changing<&RolloutView::pending>("Pending")},
      {SD_BUS_METHOD_WITH_ARGS("Close", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, on_call, kOpen)});
}

Interface<JobView> make_job() {
  return make<JobView>(
      kJobInterface,
      {constant<&JobView::id>("Id"), constant<&JobView::operation>("Operation"), constant<&JobView::object>("Object"),
       constant<&JobView::rollout>("Rollout"), changing<&JobView::state>("State"),
       changing<&JobView::progress>("Progress"), changing<&JobView::progress_valid>("ProgressValid"),
       changing<&JobView::bytes_done>("BytesDone"), changing<&JobView::bytes_total>("BytesTotal"),
       constant<&JobView::start_time_us>("StartTime"), constant<&JobView::started_by_uid>("StartedByUid"),
       changing<&JobView::cancelable>("Cancelable"), changing<&JobView::error>("Error")},
      {SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, on_call, kOpen),
       SD_BUS_SIGNAL_WITH_ARGS("Completed", SD_BUS_ARGS("b", success, "s", reason, "s", text), 0)});
}

}  // namespace

int on_call(sd_bus_message* message, void* exposed, sd_bus_error* error) noexcept {
  try {
    static_cast<Exposed*>(exposed)->callee->called(share(message));
    return 1;
  } catch (const std::exception& failure) {
    return sd_bus_error_set(error, SD_BUS_ERROR_FAILED, failure.what());
  }
}

Interfaces::Interfaces()
    : manager(make_manager()),
      trust(make_trust()),
      child(make_child()),
      group(make_group()),
      deliverable(make_deliverable()),
      rollout(make_rollout()),
      job(make_job()) {}

}  // namespace hg::bus
