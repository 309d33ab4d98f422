// SPDX-License-Identifier: Apache-2.0
// The state machine of headgate: `apply()` takes what happened and says what is to be remembered and what is to be
// done. It is pure: no I/O, no clock, no chance, no order that hangs on a hash or an address. service/driver calls it,
// commits the changes, and only then has the steps carried out.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "core/model.hpp"

namespace hg::core {

// ----------------------------------------------------------------------------------------------------------- events

/// The configuration names this child (again), at start and at reload.
struct ChildEnrolled {
  Enrollment enrollment;
};
/// The configuration no longer names it. An update past ACTIVATE goes on being shown, but nothing is done.
struct ChildDropped {
  ChildId child;
};
/// A plugin says that a child's link is there or gone; a lost plugin says so for each of its children.
struct LinkChanged {
  ChildId child;
  bool up = false;
  std::string text;
  LinkSecurity security = LinkSecurity::none;
};
/// Somebody says that a deliverable is to be had; remembered until it was sealed or refused.
struct AnnouncementHeard {
  std::string url;
};
struct AnnouncementSettled {
  std::string url;
};
/// Refused with Errc::exists when one of the keys encrypts another plaintext already.
struct DeliverableSealed {
  Deliverable deliverable;
  std::vector<ContentKey> keys{};  ///< of its images, as far as this gateway could open them
};
/// Somebody who may do so asks for a deliverable to be brought to children and groups; none named: to all that it fits.
/// A member of a group is reached with its group only.
struct RolloutRequested {
  DeliverableId deliverable;
  std::vector<ChildId> children;
  std::uint32_t uid = 0;
  bool approved = false;  ///< by name: neither a head nor its age holds it
  std::vector<GroupId> groups{};
  bool forced = false;  ///< groups may end mixed: several of their members may be such that cannot be brought back
};
/// The members of a group that are not on what it has committed are brought to it, each alone: a replaced board.
struct RepairRequested {
  GroupId group;
  std::uint32_t uid = 0;
};
/// The rollout is done with: the gateway does not go below its deliverable again without a permit.
struct RolloutClosed {
  RolloutId rollout = 0;
  std::uint32_t uid = 0;
};
struct UpdateAborted {
  Epoch epoch = 0;
};
/// Somebody who may do so says that children came with this deliverable from the factory. Those that run it, by their
/// own word, and have committed nothing, are taken to have committed it.
struct BaselineDeclared {
  DeliverableId deliverable;
  std::uint32_t uid = 0;
};
/// The configuration, at start and at reload: what products are made of.
struct LayoutsSaid {
  std::vector<Layout> layouts;
};
/// The configuration, or an operator, makes a group; said again at each start for those that the configuration names.
/// Refused by name: a layout or role that is not there, a child that is not enrolled, is of another class or in another
/// group, a role that too few or too many children take, a group past ACTIVATE, a name that an operator has given or
/// would give a second time.
struct GroupFormed {
  Group group;  ///< `committed` is kept as it was
};
/// Refused while its transaction is past ACTIVATE, or its children's reports would form it again.
struct GroupDissolved {
  GroupId group;
  bool is_by_configuration = false;  ///< which names only what it has formed: for others there is no such group
};
/// The ways out of `split` that an operator has.
enum class Resolution : std::uint8_t {
  retry,    ///< the member may be given as many orders again
  drop,     ///< it is no member any more
  replace,  ///< another child takes its place; a repair brings it to what the group has committed. Of a group that was
            ///< formed by report this may be said of any member, and the child must report the group's unit
  accept,   ///< it rests as it is
};
struct SplitResolved {
  GroupId group;
  ChildId child;
  Resolution resolution = Resolution::retry;
  ChildId replacement{};
  std::uint32_t uid = 0;
};
/// The time that a Wait named has come.
struct TimePassed {
  ChildId child;
  StepNumber number = 0;
};

enum class Willing : std::uint8_t { yes, no, later };
struct OfferAnswer {
  Willing willing = Willing::yes;
  Instant at{};
  std::string text;
};
struct BackedUp {
  Digest saved;        ///< the sealed blob; empty: there was nothing to save
  std::string text{};  ///< how much was saved and what was not, for people
};
struct Restored {};
struct Delivered {};
/// The order was carried out and this is what the child says now.
struct Ordered {
  Inspection seen;
};
/// The child was not in the state that the guard names, or would stage the image elsewhere; nothing was done; this is
/// what it says.
struct GuardFailed {
  Inspection seen;
};
/// Answers Prepare.
struct Prepared {
  View view;
};
/// Answers Identify. That the child has another key, or none, is a StepFailed with Errc::unauthenticated.
struct Proven {
  std::string identity;  ///< what the child is called for life, by its own word under its key
};
/// The step did not work, or nobody knows whether it did.
struct StepFailed {
  Error error;
};
using StepAnswer = std::variant<Inspection, OfferAnswer, BackedUp, Delivered, Ordered, GuardFailed, Restored, Prepared,
                                Proven, StepFailed>;
struct StepEnded {
  ChildId child;
  StepNumber number = 0;
  StepAnswer answer;
};

// Signed records that somebody who may say so has signed (trust::Authority judged that). One that is known already
// changes nothing, an older one is refused.
struct HeadAccepted {
  Head head;
};
/// Refused with Errc::exists when its id is known, used or not.
struct PermitAccepted {
  Permit permit;
};
/// Refused with Errc::exists when its key encrypts another plaintext already.
struct GrantAccepted {
  Grant grant;
  std::optional<ContentKey> key{};
};
/// All that a signed enrollment list says is done. Refused with Errc::exists when its version is not higher than that
/// of the list of its name before.
struct EnrollmentListTaken {
  std::string name;
  std::uint64_t version = 0;
};
/// The store key is another one: what was sealed under the old one (content keys, children's secrets) is lost. Said at
/// start, before anything else.
struct StoreKeyReplaced {};

// ------------------------------------------------------------------------------------------ children and their keys

/// Somebody who may do so makes a child known that the configuration does not name; again: what is said of it changes.
/// Refused: a name or address that another child has (Errc::exists), too many (Errc::busy).
struct ChildRegistered {
  Registration registration;
  ChildKeys keys{};  ///< that come with it
};
/// Its keys go with it. Refused: the configuration names it, or nobody (Errc::not_found), or it is in an update past
/// ACTIVATE or in a group (Errc::busy).
struct ChildUnregistered {
  ChildId child;
  std::uint32_t uid = 0;
};
/// A plugin has met somebody. One that is enrolled already changes nothing.
struct ChildDiscovered {
  Discovered discovered;
};
/// The plugin has lost sight of it.
struct ChildVanished {
  ChildId child;
  std::string transport;
};
/// Takes the place of the key for the same use. An update before ACTIVATE whose views were made for the old one begins
/// again. Refused: no such child (Errc::not_found), a kind that its tier does not have (Errc::mismatch).
struct ChildKeySet {
  ChildId child;
  ChildKey key;
};
/// Refused: no such child, or no key for this use (Errc::not_found).
struct ChildKeyRevoked {
  ChildId child;
  KeyUse use = KeyUse::wrap;
  std::uint32_t uid = 0;
};
/// Another board is in the child's place: its keys go, what it said and committed is forgotten, its floors stay.
/// Refused: no such child; in an update past ACTIVATE (Errc::busy).
struct BoardReplaced {
  ChildId child;
  std::uint32_t uid = 0;
};
struct RootAccepted {
  TrustRoot root;
};
/// The configuration, at start and at reload.
struct PolicyChanged {
  Policy policy;
};
/// Whether the clock can be held against an expiry; said at start before anything else, and when it changes.
struct TimeJudged {
  bool is_known = true;
};

using Event = std::variant<ChildEnrolled, ChildDropped, LinkChanged, AnnouncementHeard, AnnouncementSettled,
                           DeliverableSealed, RolloutRequested, RepairRequested, RolloutClosed, UpdateAborted,
                           BaselineDeclared, LayoutsSaid, GroupFormed, GroupDissolved, SplitResolved, TimePassed,
                           StepEnded, HeadAccepted, PermitAccepted, GrantAccepted, RootAccepted, PolicyChanged,
                           TimeJudged, StoreKeyReplaced, ChildRegistered, ChildUnregistered, ChildDiscovered,
                           ChildVanished, ChildKeySet, ChildKeyRevoked, BoardReplaced, EnrollmentListTaken>;

// ----------------------------------------------------------------------------------------------------------- output

/// Rows to be written; each carries the whole new value.
struct PutChild {
  Child child;
};
struct PutDeliverable {
  Deliverable deliverable;
};
struct PutRollout {
  Rollout rollout;
  RolloutId last_rollout = 0;
  Epoch last_epoch = 0;
};
struct DropRollout {
  RolloutId rollout = 0;
};
struct PutGroup {
  Group group;
};
struct DropGroup {
  GroupId group;
};
struct PutAnnouncement {
  std::string url;
  Instant at{};
};
struct DropAnnouncement {
  std::string url;
};
struct PutHead {
  Head head;
};
struct PutPermit {
  Permit permit;
};
struct DropPermit {
  PermitId permit;
};
struct PutGrant {
  Grant grant;
};
struct DropGrant {
  Digest image;
};
struct PutContentKey {
  ContentKey key;
};
struct DropContentKey {
  Digest image;
};
struct PutEnrollmentList {
  std::string name;
  std::uint64_t version = 0;
};
struct PutRoot {
  TrustRoot root;
};
struct PutGatewayFloor {
  std::string product;
  std::uint64_t sequence = 0;
};
/// One line of a child's history and of the journal.
struct PutHistory {
  Instant at{};
  ChildId child;
  Epoch epoch = 0;
  DeliverableId deliverable;
  Phase phase = Phase::preflight;
  Cause cause;
};
using Change = std::variant<PutChild, PutDeliverable, PutRollout, DropRollout, PutGroup, DropGroup, PutAnnouncement,
                            DropAnnouncement, PutHistory, PutHead, PutPermit, DropPermit, PutGrant, DropGrant, PutRoot,
                            PutGatewayFloor, PutContentKey, DropContentKey, PutEnrollmentList>;

/// From now on the child's step is this one: what was being carried out for it before is given up.
struct Action {
  ChildId child;
  StepNumber number = 0;
  Step step;
};

struct Output {
  std::vector<Change> changes;   ///< to be committed in one transaction; empty: nothing to commit
  std::vector<Action> actions;   ///< to be started after the commit
  std::vector<ChildId> touched;  ///< children whose unpersisted state changed (link, gate), for those who watch
  std::vector<Digest> unneeded;  ///< sealed blobs that nothing refers to any more: to be removed after the commit
  std::optional<Error> refusal;  ///< the request was not accepted, and why
  RolloutId rollout = 0;         ///< the one that was asked for
};

/// Takes one event. `now` never influences anything but deadlines and time stamps.
Output apply(State& state, const Event& event, Instant now);

/// What must be carried out for a child now: a function of its state alone.
Step next_step(const State& state, const Child& child);

/// The name that an operator gives to one of the ways out of `split`.
std::optional<Resolution> resolution_from(std::string_view name);

/// After a start: every child in doubt, every step derived anew from what was remembered.
Output resume(State& state, Instant now);

}  // namespace hg::core
