// SPDX-License-Identifier: Apache-2.0
// The frames of the plugin protocol as values, in the order in which docs/plugin-protocol.md explains them. They say
// nothing about how they travel (codec.hpp, channel.hpp) and use no word of core, so that plugins need nothing else.
// adapters/transport and plugins/sdk make and read them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"

namespace hg::wire {

/// What a plugin can do beyond the minimum; bits of Hello::capabilities. Unknown bits are ignored.
inline constexpr std::uint64_t kCanOffer = 1U << 0U;     ///< asks the child whether it wants the image
inline constexpr std::uint64_t kCanBackup = 1U << 1U;    ///< reads a child's configuration out
inline constexpr std::uint64_t kCanRestore = 1U << 2U;   ///< and writes it back
inline constexpr std::uint64_t kCanIdentify = 1U << 3U;  ///< carries the child kit's mutual identification
inline constexpr std::uint64_t kCanOverlay = 1U << 4U;   ///< lays Deliver::patches over the image, brings its record
inline constexpr std::uint64_t kCanHoldKeys = 1U << 5U;  ///< ends its links by the keys of LinkKey

// ------------------------------------------------------------------------------------------------- the connection

/// First frame of a plugin, once.
struct Hello {
  std::uint64_t lowest_version = 1;
  std::uint64_t highest_version = 1;
  std::string transport;           ///< must be the one that the plugin's uid is bound to
  std::uint64_t capabilities = 0;  ///< kCan... bits
  std::string software;            ///< "headgate-serial 0.1.0", for people
  friend bool operator==(const Hello&, const Hello&) = default;
};
/// The daemon's answer; Enroll frames follow.
struct Welcome {
  std::uint64_t version = 1;
  std::string daemon;
  friend bool operator==(const Welcome&, const Welcome&) = default;
};
/// The daemon's other answer; it closes the connection after it.
struct Refused {
  Errc code = Errc::denied;
  std::string text;
  friend bool operator==(const Refused&, const Refused&) = default;
};

using ProfileValue = std::variant<std::int64_t, bool, std::string, std::vector<std::string>>;
/// What the child type's profile says in the table of this transport, e.g. baud = 115200.
using ProfileValues = std::map<std::string, ProfileValue>;

/// The plugin serves this child from now on; again for the same child: with these values instead.
struct Enroll {
  std::string child;
  std::string address;
  ProfileValues profile;
  friend bool operator==(const Enroll&, const Enroll&) = default;
};
struct Forget {
  std::string child;
  friend bool operator==(const Forget&, const Forget&) = default;
};
/// Whether a link encrypts and knows the child.
enum class LinkSecurity : std::uint8_t {
  none,
  claimed,  ///< as the plugin or its radio says; nothing shows it
  proven,   ///< by a key of the child: a DTLS handshake, a bond that was tried
};

/// From the plugin, whenever it changes and once after Enroll.
struct Link {
  std::string child;
  bool up = false;
  std::string text;                            ///< why it is down, for people
  LinkSecurity security = LinkSecurity::none;  ///< while it is up
  friend bool operator==(const Link&, const Link&) = default;
};

using Uuid = std::array<std::uint8_t, 16>;

/// From the plugin: somebody is there, enrolled or not; again: it says something else of itself. Nothing here is
/// proven.
struct Discovered {
  std::string name;     ///< what it would be enrolled as; told apart within the plugin's transport
  std::string address;  ///< what would be its enrollment's
  std::optional<Uuid> vendor;
  std::optional<Uuid> device_class;
  std::string text;  ///< what else it says of itself, for people
  friend bool operator==(const Discovered&, const Discovered&) = default;
};
/// From the plugin: it has not been heard of for as long as this kind of link takes for gone.
struct Vanished {
  std::string name;
  friend bool operator==(const Vanished&, const Vanished&) = default;
};

enum class LinkKeyKind : std::uint8_t {
  none,         ///< the child has none, or no longer: no link of it is proven
  psk,          ///< a shared secret
  certificate,  ///< the child's own certificate is pinned by its digest
  passkey,      ///< what the two sides of a Bluetooth pairing agree on: kPasskeyDigits decimal digits
};
/// The key that a child and this gateway end their link with: after its Enroll, and whenever it changes. Only for
/// plugins with kCanHoldKeys.
struct LinkKey {
  std::string child;
  LinkKeyKind kind = LinkKeyKind::none;
  std::string identity{};                  ///< psk: what the child calls itself in the handshake; else empty
  std::shared_ptr<const Secret> secret{};  ///< psk: kLeastPsk to kMostPsk bytes; passkey: its digits; else null
  Digest certificate{};                    ///< certificate: SHA-256 of its DER; else empty
  /// By the bytes of the secret, in constant time.
  friend bool operator==(const LinkKey& a, const LinkKey& b);
};

/// From the plugin, now and then: how a child's radio link is. For people; nothing is decided by it.
struct Radio {
  std::string child;
  std::string adapter{};                   ///< by which the child is reached, as people call it: "hci0"
  std::optional<std::int16_t> rssi_dbm{};  ///< of what was heard of the child last: kLeastRssi to kMostRssi
  std::optional<std::uint16_t> mtu{};      ///< of the connection, bytes
  std::uint64_t airtime_ms = 0;            ///< that transfers with this child have used since the plugin started
  std::uint64_t breaks = 0;                ///< connections that this gateway did not end, since the plugin started
  friend bool operator==(const Radio&, const Radio&) = default;
};

// ------------------------------------------------------------------------------------------------------- requests

/// What every request begins with.
struct Task {
  std::uint64_t request = 0;  ///< the answer carries the same number; never used twice on one connection
  std::string child;
  std::uint64_t epoch = 0;        ///< the update that this is part of; 0: none
  std::uint64_t deadline_ms = 0;  ///< the answer must be there by then; Deliver: the longest pause between two Progress
  friend bool operator==(const Task&, const Task&) = default;
};
/// What must be true of one image number when the plugin looks again, or nothing is done at all.
struct Guard {
  std::uint8_t image = 0;  ///< image number
  Digest active;           ///< of the image that must be running; empty: none may, the child is in recovery
  friend bool operator==(const Guard&, const Guard&) = default;
};
/// A guard, and what shall run instead. One whose goal runs already is done.
struct Move {
  std::uint8_t image = 0;
  Digest active;
  Digest goal;
  friend bool operator==(const Move&, const Move&) = default;
};

/// Where an image goes that is delivered to the child as it is now.
enum class Staging : std::uint8_t {
  aside,       ///< into a slot that does not run
  in_place,    ///< over the only one: the child is in its bootloader's recovery and runs nothing
  impossible,  ///< nowhere
};

/// How urgent its author says an image is.
enum class Urgency : std::uint8_t { minor, major, emergency };

struct Inspect {
  Task task;
  friend bool operator==(const Inspect&, const Inspect&) = default;
};
struct Offer {
  Task task;
  std::uint8_t image_number = 0;
  std::string version;
  std::uint64_t size = 0;
  Urgency urgency = Urgency::minor;
  friend bool operator==(const Offer&, const Offer&) = default;
};
struct Backup {
  Task task;
  friend bool operator==(const Backup&, const Backup&) = default;
};
/// Bytes that the child gets in the place of those of the file.
struct Patch {
  std::uint64_t offset = 0;
  Bytes bytes;
  friend bool operator==(const Patch&, const Patch&) = default;
};

/// Comes with a read-only descriptor of the image.
struct Deliver {
  Task task;
  Digest image;            ///< SHA-256 of what the child gets: of the file with the patches laid over it
  std::uint64_t size = 0;  ///< bytes of the file
  std::uint8_t image_number = 0;
  Digest after;                      ///< what the child will list for it
  Staging staging = Staging::aside;  ///< where the daemon believes it goes; if it would go elsewhere: GuardFailed
  std::vector<Patch> patches{};      ///< see check_patches(); only for plugins with kCanOverlay, as is the record
  Bytes record{};                    ///< goes to the child beside the image; empty: none
  friend bool operator==(const Deliver&, const Deliver&) = default;
};
/// All images that change at the same reset: all are marked, then the child is reset once.
struct Activate {
  Task task;
  std::vector<Move> moves;
  friend bool operator==(const Activate&, const Activate&) = default;
};
struct Confirm {
  Task task;
  std::vector<Guard> guards;
  friend bool operator==(const Confirm&, const Confirm&) = default;
};
struct Revert {
  Task task;
  std::vector<Move> moves;
  friend bool operator==(const Revert&, const Revert&) = default;
};
/// Comes with a read-only descriptor of what Backup brought.
struct Restore {
  Task task;
  friend bool operator==(const Restore&, const Restore&) = default;
};
/// The first half of the child kit's mutual identification (docs/child-protocol.md): the gateway's nonce, on its way to
/// the child. The plugin relays and judges nothing.
struct Identify {
  Task task;
  Bytes nonce;
  friend bool operator==(const Identify&, const Identify&) = default;
};
/// The second half: what proves the gateway to the child.
struct Prove {
  Task task;
  Bytes proof;
  friend bool operator==(const Prove&, const Prove&) = default;
};
/// Stop working on a request. It is still answered, with Failed{cancelled} if it could be stopped.
struct Cancel {
  std::uint64_t request = 0;
  friend bool operator==(const Cancel&, const Cancel&) = default;
};

// -------------------------------------------------------------------------------------------------------- answers

/// What every answer begins with.
struct Reply {
  std::uint64_t request = 0;
  std::string child;
  friend bool operator==(const Reply&, const Reply&) = default;
};

struct Slot {
  std::uint8_t image = 0;
  std::uint8_t slot = 0;
  std::string version;
  Digest digest;  ///< as the child reports it; empty: it does not
  bool bootable = false;
  bool pending = false;
  bool confirmed = false;
  bool active = false;
  bool permanent = false;
  friend bool operator==(const Slot&, const Slot&) = default;
};

/// How a child gets back to the image it ran before, weakest last; a plugin never guesses upward.
enum class RevertClass : std::uint8_t { unknown, self_reverting, swap_back, reinstall, irrevocable, unstageable };

enum class Power : std::uint8_t { unknown, mains, battery };

/// What the digests in Seen::slots tell an image by.
enum class Evidence : std::uint8_t {
  digest,   ///< the child's own digest of it
  version,  ///< its version, which is all that the child tells: the digest is version_mark()
  result,   ///< the child tells nothing of what it runs but that it has installed what it was brought last: the digest
            ///< is the `after` of that Deliver, remembered by the plugin
};

/// What a child says of itself.
struct Seen {
  std::vector<Slot> slots;
  RevertClass revert_class = RevertClass::unknown;
  std::string bootloader;  ///< for people
  std::optional<std::uint8_t> battery_percent;
  bool busy = false;
  Staging staging = Staging::aside;
  std::string obstacle;       ///< when staging is impossible: why, for people
  std::uint64_t busy_ms = 0;  ///< when busy: for about this long; 0: it does not say
  Power power = Power::unknown;
  std::string identity;                ///< as the child claims, unproven; empty: it does not say
  std::optional<std::uint64_t> boots;  ///< the child's own count of its starts
  std::optional<std::string> unit;     ///< the product it says it is built into: is_name()
  Evidence evidence = Evidence::digest;
  friend bool operator==(const Seen&, const Seen&) = default;
};

enum class Willing : std::uint8_t { yes, no, later };

struct Inspected {
  Reply reply;
  Seen seen;
  friend bool operator==(const Inspected&, const Inspected&) = default;
};
struct OfferAnswer {
  Reply reply;
  Willing willing = Willing::yes;
  std::uint64_t wait_ms = 0;  ///< when later: ask again after this time
  std::string text;
  friend bool operator==(const OfferAnswer&, const OfferAnswer&) = default;
};
/// Comes with a read-only descriptor (a sealed memfd) of what was saved; without one there was nothing to save.
struct BackedUp {
  Reply reply;
  std::string text;  ///< how much was saved and what was not, for people
  friend bool operator==(const BackedUp&, const BackedUp&) = default;
};
/// Not an answer yet: how far a Deliver has come; at most ten a second.
struct Progress {
  Reply reply;
  std::uint64_t done = 0;  ///< bytes that the child has; may go back when the child lost some
  std::uint64_t total = 0;
  friend bool operator==(const Progress&, const Progress&) = default;
};
/// The image stands complete in a slot that is not the active one, as the child itself says.
struct Delivered {
  Reply reply;
  friend bool operator==(const Delivered&, const Delivered&) = default;
};
/// The order was carried out, and this is what the child said afterwards.
struct Ordered {
  Reply reply;
  Seen seen;
  friend bool operator==(const Ordered&, const Ordered&) = default;
};
/// Nothing was done, because this is what the child said before.
struct GuardFailed {
  Reply reply;
  Seen seen;
  friend bool operator==(const GuardFailed&, const GuardFailed&) = default;
};
struct Restored {
  Reply reply;
  friend bool operator==(const Restored&, const Restored&) = default;
};
/// What the child answered to Identify, as it came.
struct Identified {
  Reply reply;
  Bytes evidence;
  friend bool operator==(const Identified&, const Identified&) = default;
};
struct Proven {
  Reply reply;
  friend bool operator==(const Proven&, const Proven&) = default;
};
struct Failed {
  Reply reply;
  Errc code = Errc::internal;
  std::string text;
  friend bool operator==(const Failed&, const Failed&) = default;
};

using Frame =
    std::variant<Hello, Welcome, Refused, Enroll, Forget, Link, Discovered, Vanished, LinkKey, Radio, Inspect, Offer,
                 Backup, Deliver, Activate, Confirm, Revert, Restore, Cancel, Identify, Prove, Inspected, OfferAnswer,
                 BackedUp, Progress, Delivered, Ordered, GuardFailed, Restored, Failed, Identified, Proven>;

/// "Deliver", for messages.
std::string_view name_of(const Frame& frame);
/// Whether its bytes must not stay in memory: they hold a secret.
bool holds_secret(const Frame& frame);
/// Whether a descriptor must travel with the frame, and whether one may.
bool carries_descriptor(const Frame& frame);
bool may_carry_descriptor(const Frame& frame);
/// The Task of a request, the Reply of an answer or of Progress; null for every other frame.
const Task* task_of(const Frame& frame);
const Reply* reply_of(const Frame& frame);
/// Errc::invalid unless there are at most kMaxPatches with kMaxPatchBytes in all, none is empty, each begins where the
/// one before ends or later, and the last one ends within `size` bytes.
Result<void> check_patches(const std::vector<Patch>& patches, std::uint64_t size);
/// Errc::invalid unless what its kind has is there, within its limits, and nothing else.
Result<void> check_link_key(const LinkKey& key);
/// Whether these are the six decimal digits of a passkey.
bool is_passkey_text(ByteView text);
/// Whether `name` may be the name of a child or of a transport: 1 to 64 characters of [A-Za-z0-9._-].
bool is_name(std::string_view name);
/// The beginning of `text` that fits kMaxText, cut between two characters; what is not UTF-8 becomes question marks.
std::string bounded_text(std::string_view text);
/// The same of a text that has `most` bytes at most.
std::string bounded_text(std::string_view text, std::size_t most);

}  // namespace hg::wire
