// SPDX-License-Identifier: Apache-2.0
// What the gateway knows: children, deliverables, rollouts, and the update that each child is in. These are plain
// values; `apply()` in core/engine.hpp is the only code that changes them, adapters/storage keeps them, adapters/dbus
// shows them. Words as in docs/architecture.md.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/by_name.hpp"
#include "base/digest.hpp"
#include "base/time.hpp"
#include "base/version.hpp"
#include "core/group.hpp"
#include "core/inspection.hpp"
#include "core/names.hpp"
#include "core/protection.hpp"
#include "core/step.hpp"
#include "core/urgency.hpp"

namespace hg::core {

// ---------------------------------------------------------------------------------------------------- deliverables

/// What its author makes the use of an image hang on, beside vendor and class.
struct Conditions {
  std::optional<Instant> use_before;
  std::optional<Instant> not_before;
  std::optional<std::uint64_t> minimum_battery_mwh;
  std::vector<VersionCondition> versions;  ///< of what runs on the child now; all must hold
  bool needs_authorization = false;        ///< somebody must have approved the rollout by name

  friend bool operator==(const Conditions&, const Conditions&) = default;
};

/// The bytes for one target, as they travel.
struct Image {
  std::string component;  ///< printable SUIT component id
  Uuid vendor{};
  Uuid device_class{};
  Digest digest;           ///< SHA-256 of the sealed bytes: their name in the blob store
  std::uint64_t size = 0;  ///< bytes
  std::string version;     ///< from the image's own header, "1.2.3[.4]"
  Digest running_digest;   ///< what a child reports when it runs this image (MCUboot SHA TLV); empty: cannot be told
  bool encrypted = false;  ///< the payload is ciphertext
  Conditions conditions{};
  std::optional<std::uint64_t> slot{};  ///< the only slot that it may be put into
  std::optional<Sealing> sealing{};     ///< if encrypted; without it nobody knows how

  friend bool operator==(const Image&, const Image&) = default;
};

/// One signed SUIT envelope with its images, verified and sealed. Never changes once it is here.
struct Deliverable {
  DeliverableId id;
  std::string product;                 ///< manifest-component-id, printable
  std::uint64_t sequence = 0;          ///< suit-manifest-sequence-number
  std::string version;                 ///< set-version, printable
  std::vector<std::string> signers{};  ///< names of the trusted keys that signed it
  std::string source;                  ///< where the envelope came from
  Instant sealed_at{};
  std::vector<Image> images;
  std::optional<std::int64_t> priority{};  ///< of the update, as the manifest says; lower is more urgent

  friend bool operator==(const Deliverable&, const Deliverable&) = default;
};

// ----------------------------------------------------------------------------------------------------------- trust
// What signed records say. Who may say it was judged before (trust::Authority); these are facts.

/// One manifest that is current in a channel.
struct HeadEntry {
  std::string product;
  std::uint64_t sequence = 0;
  DeliverableId manifest;
  std::uint64_t minimum = 0;  ///< no child of the gateway is brought below this sequence number without a permit

  friend bool operator==(const HeadEntry&, const HeadEntry&) = default;
};

/// What is current in a channel, all of it at one time.
struct Head {
  std::string channel;
  std::uint64_t version = 0;
  Instant issued{};
  Instant expires{};
  std::vector<HeadEntry> entries;

  friend bool operator==(const Head&, const Head&) = default;
};

using PermitId = std::string;  ///< 32 lower-case hexadecimal digits

/// The vendor's permission to go back from one sequence number to a lower one, once per child.
struct Permit {
  PermitId id;
  std::string product;
  std::uint64_t from = 0;  ///< the floor that it is about
  std::uint64_t to = 0;
  std::variant<ChildId, Uuid> whom;  ///< one child, or all of a class
  Instant not_after{};
  std::string signers;            ///< for people
  std::map<ChildId, Epoch> uses;  ///< by whom it was used up, and in which update

  friend bool operator==(const Permit&, const Permit&) = default;
};

/// A content key for this gateway.
struct Grant {
  Digest image;  ///< of the sealed bytes
  Instant not_after{};
  Bytes record;  ///< as it came

  friend bool operator==(const Grant&, const Grant&) = default;
};

/// The newest root of trust. Version 0: none came yet.
struct TrustRoot {
  std::uint64_t version = 0;
  Bytes record;  ///< as it came

  friend bool operator==(const TrustRoot&, const TrustRoot&) = default;
};

/// What the administrator wants of channel heads, and means by urgent. From the configuration at every start; not
/// persisted.
struct Policy {
  bool require_head = false;      ///< a product that no head names may not be rolled out
  bool hold_when_expired = true;  ///< an expired head starts no rollout
  UrgencyLimits urgency{};

  friend bool operator==(const Policy&, const Policy&) = default;
};

// -------------------------------------------------------------------------------------------------------- children

/// What an administrator declares of the child's link.
enum class LinkProtection : std::uint8_t {
  none,
  internal,  ///< it is inside one housing: a plain image may travel on it
};

/// Whether a link encrypts and knows the child.
enum class LinkSecurity : std::uint8_t {
  none,
  claimed,  ///< the plugin says so, and cannot show it
  proven,   ///< by a key of the child: a DTLS handshake, a bond that was tried
};

/// Whether a child has shown the key that it is enrolled with for `identify`.
enum class Identified : std::uint8_t { no, wrong, yes };

/// How long one kind of child may take, and how it is tried. From the child's profile; never persisted.
struct Patience {
  Duration answer{std::chrono::seconds{10}};          ///< for an inspection, an offer, a confirm
  Duration transfer_stall{std::chrono::seconds{60}};  ///< without progress in a transfer
  Duration swap{std::chrono::seconds{120}};           ///< from a reset until the child must have answered again
  Duration swap_per_kib{0};                           ///< added to it for each KiB of the images that change
  Duration health{0};                                 ///< the new image must have run this long before it is confirmed
  unsigned attempts = 5;                              ///< failures until the child rests
  Duration rest{std::chrono::hours{24}};
  Duration backoff{std::chrono::seconds{30}};  ///< before the second attempt; doubles, at most an hour
  Duration pause{std::chrono::seconds{2}};     ///< before asking a silent child again; doubles, at most ten minutes
  Duration look_again{std::chrono::hours{1}};  ///< an idle child is inspected this often
  Duration test_window{
      0};  ///< an unconfirmed image is taken back by the child itself after this; zero: only by a reset

  friend bool operator==(const Patience&, const Patience&) = default;
};

/// One updatable image of a child.
struct Target {
  std::string name = "app";       ///< SUIT component
  std::uint8_t image_number = 0;  ///< of it on the child

  friend bool operator==(const Target&, const Target&) = default;
};

/// When the configuration that was backed up before an update is written back.
enum class RestorePolicy : std::uint8_t { never, after_revert, after_update, always };

/// What the administrator says of a child. Comes from the configuration at every start, so it is not persisted.
struct Enrollment {
  ChildId id;
  std::string transport;  ///< name of the plugin, e.g. "serial"
  std::string address;    ///< for the plugin: a tty, a host, a Bluetooth address
  std::string profile;    ///< name of the child type
  Uuid vendor{};
  Uuid device_class{};
  std::vector<Target> targets{Target{}};  ///< at least one; names and image numbers are unique
  LinkProtection link = LinkProtection::none;
  ProtectionPolicy protection{};
  RestorePolicy restore = RestorePolicy::after_revert;
  unsigned least_battery = 20;  ///< percent, below which one that runs on a battery is left alone
  Patience patience;

  friend bool operator==(const Enrollment&, const Enrollment&) = default;
};

// --------------------------------------------------------------------------------------------------------- updates

/// Where an update stands (design, section 5).
enum class Phase : std::uint8_t {
  preflight,     ///< may it, does it fit: the child is asked what it is
  offered,       ///< the child is asked whether it wants it
  backing_up,    ///< its configuration is read out
  transferring,  ///< the image is on its way into the other slot
  staged,        ///< it is there, nothing is marked
  activating,    ///< ACTIVATE is decided: mark, reset, wait for the child to come back
  testing,       ///< the new image runs, unconfirmed
  confirmed,     ///< end: the child says new, active, confirmed, nothing pending
  refused,       ///< end: preflight or the child said no
  deferred,      ///< waits until `until`, then preflight again
  resting,       ///< as deferred, after too many failures
  reverting,     ///< BACK is decided
  reverted,      ///< the child says old, active, confirmed, nothing pending; tried again at `until` if that is set
  cancelled,     ///< end: withdrawn before ACTIVATE
  split,         ///< end until somebody acts: neither the new nor the old image can be reached
};

/// The durable decisions, the same for all members of a group. None is ever taken back.
enum class Decision : std::uint8_t {
  none,
  activate,  ///< the members but the pivot are marked and reset
  pivot,     ///< the pivot is touched, and its own report decides
  commit,    ///< only forward from here
  back,      ///< only back from here
};

/// Why an update is where it is: a value that the bus shows, and a text for people.
enum class Reason : std::uint8_t {
  none,
  does_not_fit,   ///< no image for this child's vendor, class and target
  ambiguous,      ///< more than one image fits
  not_newer,      ///< the sequence number is below what the child has committed
  no_protection,  ///< what would hide the image on its way is less than is asked
  cannot_verify,  ///< the digest that the child would report is not known
  same_as_other,  ///< the image equals the one another slot holds in a way that cannot be told apart
  child_refused,
  child_deferred,
  child_busy,
  not_answering,
  transfer_failed,
  activation_failed,
  came_back_old,
  unhealthy,
  confirm_refused,
  third_version,  ///< the child runs neither the old nor the new image
  aborted,
  superseded,
  permit_used,           ///< it would be the way back, but this child has used it up
  permit_not_for_child,  ///< it would be the way back for another child or class
  permit_expired,
  time_unknown,       ///< whether something has expired cannot be told
  too_early,          ///< the image may be used only later
  other_product,      ///< not the product that the child has had so far, and nobody approved it
  use_before_passed,  ///< the image may no longer be used
  version_condition,  ///< what runs on the child is not what the image wants to follow
  battery_condition,
  not_approved,              ///< the image wants somebody to approve the rollout by name
  slot_unknown,              ///< the image is for one slot, and the child does not tell its slots
  not_stageable,             ///< the child has no place for an image that is known how to be used
  in_recovery,               ///< the child runs nothing: it is in its bootloader's recovery
  restored,                  ///< its configuration was written back
  restore_failed,            ///< or could not be
  backup_failed,             ///< it could not be read out before the update
  other_member,              ///< another member of its group is the cause
  revert_class_not_allowed,  ///< it could not be brought back, as another member of its group could not
  no_room_in_window,         ///< a member's test would end before the last one is activated
  no_rollback_image,         ///< it is brought back only by a whole transfer, and the image it runs is not held here
  no_space,                  ///< the child has no room for the image
  battery_low,               ///< it runs on a battery that holds too little
  resolved,                  ///< an operator has settled a split
  no_child_key,              ///< the content key is held, and the child has no key that it could be wrapped for
  content_key_unknown,       ///< an encrypted image that this gateway cannot open and the vendor did not seal for it
  grant_expired,             ///< the content key was granted until a time that has passed
  key_changed,               ///< a key of the child, or the board in its place, is another one
  wrong_identity,            ///< who answers does not have the key that the child is enrolled with
  not_identified,            ///< it has not shown its key, and nobody knows whether it could
  not_told,                  ///< it was served the whole image, and does not tell that it runs it
};

struct Cause {
  Reason reason = Reason::none;
  std::string text;

  friend bool operator==(const Cause&, const Cause&) = default;
};

/// An order to a child that must not be repeated blindly. Durable before it is given; looked into after a crash.
enum class Order : std::uint8_t { none, activate, confirm, revert };

/// One image on its way to one target of a child.
struct Part {
  std::uint8_t image_number = 0;
  Digest image;   ///< of the sealed bytes
  Digest before;  ///< what ran when ACTIVATE was decided, as the child reported it; empty: nothing, or not known
  Digest after;   ///< what the child will report when it runs the new image

  friend bool operator==(const Part&, const Part&) = default;
};

/// A deliverable on its way to one child, from the rollout's request to its end. All its parts change at one reset.
struct Update {
  Epoch epoch = 0;
  RolloutId rollout = 0;
  DeliverableId deliverable;
  std::vector<Part> parts;    ///< by image number; empty until preflight has chosen
  std::size_t delivered = 0;  ///< while transferring: how many of the parts that change the child has said it holds
  Phase phase = Phase::preflight;
  Decision decision = Decision::none;
  Order order = Order::none;  ///< given or about to be given
  unsigned orders = 0;        ///< how many orders this attempt has given: the bound on repeating them
  unsigned attempts = 0;      ///< failures so far
  Instant since{};            ///< when this phase began
  Instant until{};            ///< deferred, resting, reverted: when to go on (epoch 0: not by itself); else: deadline
  Cause cause;
  PermitId permit{};  ///< under which it may go back; empty: it needs none
  Digest backup{};    ///< of what the child's configuration was before; empty: nothing was saved
  bool restore_is_due = false;
  unsigned restores = 0;      ///< how often writing it back was tried
  GroupId group{};            ///< whose transaction it is part of; empty: the child's alone
  bool pivot = false;         ///< the one member that cannot be brought back: touched last, and its report decides
  bool after_commit = false;  ///< a further one, forced along: touched after COMMIT, so that the group may end mixed
  Views views{};              ///< of the images that are wrapped for this child; made before their first byte leaves

  friend bool operator==(const Update&, const Update&) = default;
};

/// The highest sequence number that a child has confirmed, by product: it does not go below.
using Floors = std::map<std::string, std::uint64_t>;

/// What of a child is written down. The rest is learned anew at each start.
struct Remembered {
  std::optional<Inspection> seen;  ///< what it said last
  Instant last_seen{};
  Floors floors;
  DeliverableId committed;       ///< confirmed last: it is always allowed again
  bool confirms_itself = false;  ///< it has been seen to: then no test of a new image reverts by itself
  std::optional<Update> update;  ///< the current or the last one
  ChildKeys keys{};
  std::optional<Registration> registration{};  ///< if not the configuration, but somebody else enrolled it

  friend bool operator==(const Remembered&, const Remembered&) = default;
};

struct Child : Remembered {
  Enrollment enrollment;
  bool enrolled = false;                            ///< in the configuration of this run
  bool online = false;                              ///< its plugin is connected and says that the link is up
  std::string link_text;                            ///< why it is not online, for people
  LinkSecurity link_security = LinkSecurity::none;  ///< as its plugin says
  Identified identified = Identified::no;           ///< since its link came up and since its last reset
  GroupId group;                                    ///< that it is a member of; empty: none. As State::groups says
  std::string role;                                 ///< in that group
  Gate gate = Gate::none;                           ///< where it waits for the other members
  bool in_round = false;                            ///< it was inspected since all of them had come so far
  unsigned unanswered = 0;                          ///< inspections in a row that it did not answer
  unsigned losses = 0;                              ///< steps in a row that its link did not outlast
  Instant away_since{};                             ///< when its link went; zero: not in this run
  Instant quiet_until{};                            ///< it is left alone until then; zero: no pause
  bool in_doubt = true;                             ///< an order may be half done: inspect before any order
  Step step = Idle{};                               ///< being carried out now
  StepNumber step_number = 0;                       ///< answers to an earlier step are dropped

  friend bool operator==(const Child&, const Child&) = default;
};

struct Rollout {
  RolloutId id = 0;
  DeliverableId deliverable;
  std::vector<ChildId> children;
  std::uint32_t started_by = 0;  ///< uid
  Instant started_at{};
  bool approved = false;  ///< by name, by somebody who may
  bool forced = false;    ///< a group may end mixed: several of its members may be such that cannot be brought back

  friend bool operator==(const Rollout&, const Rollout&) = default;
};

inline constexpr std::size_t kMaxRollouts = 256;
inline constexpr std::size_t kMaxAnnounced = 64;
inline constexpr std::size_t kMaxHeads = 64;
inline constexpr std::size_t kMaxPermits = 1024;
inline constexpr std::size_t kMaxGrants = 1024;
inline constexpr std::size_t kMaxGatewayFloors = 4096;
inline constexpr std::size_t kMaxContentKeys = 4096;

struct State {
  ByName<Child> children;
  std::map<DeliverableId, Deliverable> deliverables;
  ByName<Group> groups;
  std::map<std::string, Layout> layouts;     ///< not persisted
  std::map<RolloutId, Rollout> rollouts;     ///< at most kMaxRollouts and those that an update still refers to
  std::map<std::string, Instant> announced;  ///< URLs that were heard of and are not dealt with yet; when
  RolloutId last_rollout = 0;
  Epoch last_epoch = 0;
  std::map<Epoch, ChildId> updates;       ///< the last one of each child; not persisted
  std::map<Digest, std::size_t> backups;  ///< how many of these updates refer to a sealed blob; not persisted

  std::map<std::string, std::set<ChildId>> units;  ///< who reports which; as their inspections say

  std::map<std::string, Head> heads;  ///< by channel
  std::map<PermitId, Permit> permits;
  std::map<Digest, Grant> grants;             ///< by image
  std::map<Digest, ContentKey> content_keys;  ///< that are held, by image
  std::map<Digest, Digest> plaintexts;        ///< of each content key ever held, by fingerprint; not persisted
  std::map<std::string, std::uint64_t> enrollment_lists;  ///< the version that was taken last, by name
  std::map<ChildId, Discovered> discovered;               ///< at most kMaxDiscovered; not persisted
  std::map<Address, ChildId> addresses;                   ///< of children that are known; not persisted
  TrustRoot root;
  Floors floors;              ///< of the gateway: raised by heads and by closed rollouts, never lowered
  Policy policy;              ///< not persisted
  bool time_is_known = true;  ///< whether `now` can be held against an expiry; not persisted

  friend bool operator==(const State&, const State&) = default;
};

/// Whether the update puts another image in the place of this one; one that runs already, confirmed, stays.
bool changes(const Part& part);
/// From a reset until the child must have answered again, when images of `size` bytes change at it.
Duration activation_time(const Patience& patience, std::uint64_t size);
/// What the child reports, weakened by what it was seen to do. Unknown until it was inspected.
RevertClass revert_class_of(const Child& child);

/// Whether nothing more happens in this phase by itself. `reverted` is not among them: see is_over().
bool is_end(Phase phase);
/// Whether the update has come to its end: an end phase, or reverted without a time for another attempt.
bool is_over(const Update& update);
/// Whether the member stays as it is until all others run the new image, and well: it cannot be brought back.
bool is_touched_last(const Update& update);
/// Whether ACTIVATE is decided and it has not come to its end: nothing may take its place.
bool is_past_activate(const Update& update);
/// Whether it is between two attempts: deferred, resting, or reverted with a time for the next one.
bool waits_for_time(const Update& update);
/// Null when there is no child of this name.
const Child* find_child(const State& state, const ChildId& id);
Child* find_child(State& state, const ChildId& id);
/// Whether something refers to a sealed blob: a deliverable as its image, or a child's last update as its backup.
bool needs_blob(const State& state, const Digest& blob);
/// After a start: what State holds of its children so that nobody must look for it among all of them.
void index_updates(State& state);
/// The same after one child's update has come to refer to another backup; empty: to none.
void note_backup(State& state, const Digest& before, const Digest& now);
/// Who signed it, for people: the names with commas between them.
std::string signers_of(const Deliverable& deliverable);

/// 32 lower-case hexadecimal digits.
bool is_permit_id(std::string_view text);

std::string_view name_of(Phase phase);
std::string_view name_of(Decision decision);
std::string_view name_of(Gate gate);
std::string_view name_of(Reason reason);
std::string_view name_of(Order order);
std::string_view name_of(Evidence evidence);
std::string_view name_of(RevertClass revert_class);
std::string_view name_of(Staging staging);
std::string_view name_of(Power power);
std::string_view name_of(RestorePolicy policy);
std::string_view name_of(const Step& step);
std::optional<Phase> phase_from(std::string_view name);
std::optional<Decision> decision_from(std::string_view name);
std::optional<Reason> reason_from(std::string_view name);
std::optional<Order> order_from(std::string_view name);
std::optional<Evidence> evidence_from(std::string_view name);
std::optional<RevertClass> revert_class_from(std::string_view name);
std::optional<Staging> staging_from(std::string_view name);
std::optional<Power> power_from(std::string_view name);
std::optional<RestorePolicy> restore_policy_from(std::string_view name);

}  // namespace hg::core
