// SPDX-License-Identifier: Apache-2.0
// Who may say what: judges manifests and records by one root. Pure: time comes in as a value, keys through a RingMaker.
// Every refusal has a reason of its own, in its text. Made by app and headgate-pack from the root file (or from a
// directory of PEM keys: all of them authors of everything, threshold one); called by service/ingest and
// service/trust_records. Rules for people: docs/trust.md.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cose/key_ring.hpp"
#include "trust/enrollment_list.hpp"
#include "trust/record.hpp"
#include "trust/root.hpp"
#include "trust/statements.hpp"

namespace hg::trust {

/// How far the wall clock may stand behind what we know to be past, and still be believed.
inline constexpr Duration kClockTolerance = std::chrono::minutes(5);

/// Trusted time = max(wall clock, issue time of the last head, build time). Unknown while the wall clock stands before
/// the later of the other two (a clock in 1970) by more than kClockTolerance: then it is known to be wrong, nothing is
/// taken for expired or for valid, and what has an expiry holds (Errc::unavailable).
struct TrustedTime {
  Instant at{};  ///< never before what is known to be past, even while the time is unknown
  bool is_known = false;

  static TrustedTime from(Instant wall_clock, Instant last_head_issued, Instant built_at);
};

/// Errors of all: invalid, unsupported, too_large (malformed), unauthenticated (too few have signed), denied (those who
/// did may not, or no longer), mismatch (older than what is known, expired, for another gateway), exists (in force
/// already), unavailable (time unknown; later is another answer).
class Authority {
 public:
  /// The administrator's first root, or the one in force at a restart: it must be signed by its own threshold. Validity
  /// of its root keys is not asked: whoever put it there believes it.
  static Result<std::unique_ptr<Authority>> from_first_root(ByteView record, const cose::RingMaker& maker);

  /// Without a root file: every key an author of everything, each signature enough, whatever else the keys say. There
  /// are no root keys, so it has no successor. Refused: a name twice, what `maker` refuses.
  static Result<std::unique_ptr<Authority>> from_author_keys(std::vector<Key> keys, const cose::RingMaker& maker);

  /// The next one: its version is higher, and both this root's and its own threshold of root keys signed it; keys count
  /// only while they are valid, unless the time is unknown. Refused by name: an older or equal version (`exists`: the
  /// very root in force); signed by the new threshold only; by the present one only; two signatures by one key; a
  /// name that was another key's.
  [[nodiscard]] Result<std::unique_ptr<Authority>> successor(ByteView record, const cose::RingMaker& maker,
                                                             const TrustedTime& now) const;

  [[nodiscard]] const Root& root() const;

  /// All keys of the root, for suit::open(): it says who signed; may_release() says whether they may.
  [[nodiscard]] const cose::KeyRing& ring() const;

  /// Whether `signers` (as suit::Manifest has them) may release a manifest of this product with these components: each
  /// that counts is an author, valid now, and has a prefix that fits the product or prefixes that fit every component;
  /// the product's rule (or the role's threshold) is met. When it is not met, the error tells how many of how many keys
  /// count, and what the first signer lacks: "0 of 1 author keys: key K is for head, not for author", "... key K may
  /// sign acme/, not other/thing", "... key K is valid until ...", "... two signatures by one key (K)", "0 of 1 offline
  /// author keys", "... the time is not known (clock before the build or the last head): validity of key K cannot be
  /// judged".
  [[nodiscard]] Result<void> may_release(std::span<const std::string> signers, std::string_view product,
                                         std::span<const std::string> components, const TrustedTime& now) const;

  /// A head: signed by the role's threshold of keys that may each speak for every product in it and in `last`, so that
  /// none takes away what it could not have put there. Not older (version, issue time) than `last`, the one seen last
  /// of the same channel (null: none; of another channel: not looked at), and the same if of the same version. Whether
  /// it has expired is not asked here: an expired one is still a fact.
  [[nodiscard]] Result<Head> open_head(const Record& record, const TrustedTime& now, const Head* last) const;

  /// A permit: signed by as many authors as the product needs; not expired. Whether it fits a child is for core.
  [[nodiscard]] Result<Permit> open_permit(const Record& record, const TrustedTime& now) const;

  /// A grant: signed by the role's threshold of directors; for the gateway whose key id is given; not expired.
  [[nodiscard]] Result<Grant> open_grant(const Record& record, const TrustedTime& now, const Digest& gateway) const;

  /// An enrollment list: signed by the role's threshold of directors; for this gateway, if it names one (null: this one
  /// has no key, so that what names one is for another); not expired, if it says so; of a higher version than the list
  /// of its name that is in `taken`.
  [[nodiscard]] Result<EnrollmentList> open_enrollment(const Record& record, const TrustedTime& now,
                                                       const Digest* gateway, const ListVersions& taken) const;

  ~Authority();

 private:
  struct Parts;
  explicit Authority(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace hg::trust
