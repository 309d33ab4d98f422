// SPDX-License-Identifier: Apache-2.0
// Who may say what: judges manifests and records by one root. Pure: time comes in as a value, keys through a RingMaker.
// Every refusal has a reason of its own, in its text and in Verdict::reason. Made by app and headgate-pack from the
// root file (or from a directory of PEM keys: all of them authors of everything, threshold one); called by
// service/ingest and service/trust_records.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cose/key_ring.hpp"
#include "trust/record.hpp"
#include "trust/root.hpp"
#include "trust/statements.hpp"

namespace hg::trust {

/// Trusted time = max(wall clock, issue time of the last head, build time). Unknown while the wall clock stands before
/// both others (a clock in 1970): then nothing is taken for expired or for valid, and what has an expiry holds.
struct TrustedTime {
  Instant at{};
  bool is_known = false;

  static TrustedTime from(Instant wall_clock, Instant last_head_issued, Instant built_at);
};

class Authority {
 public:
  /// The administrator's first root: it must be signed by its own threshold.
  static Result<std::unique_ptr<Authority>> from_first_root(ByteView record, const cose::RingMaker& maker);

  /// Without a root file: every key an author of everything, each signature enough.
  static Result<std::unique_ptr<Authority>> from_author_keys(std::vector<Key> keys, const cose::RingMaker& maker);

  /// The next one: its version is higher, and both this root's and its own threshold of root keys signed it. Refused by
  /// name: an older or equal version; signed by the new threshold only; by the old one only; one key counted twice.
  [[nodiscard]] Result<std::unique_ptr<Authority>> successor(ByteView record, const cose::RingMaker& maker) const;

  [[nodiscard]] const Root& root() const;

  /// All keys of the root, for suit::open(): it says who signed; may_release() says whether they may.
  [[nodiscard]] const cose::KeyRing& ring() const;

  /// Whether `signers` (distinct names, as suit::Manifest has them) may release a manifest of this product with these
  /// components: each that counts is an author, valid now, and has a prefix that fits the product or each component;
  /// the product's rule (or the role's threshold) is met. When it is not met, the error names what the first signer
  /// lacks: "key K is a head key, not an author's", "... may sign acme/, not other/thing", "... is valid until ...",
  /// "two signatures by one key", "1 of 2 authors", "no offline key among them", "time is not known".
  [[nodiscard]] Result<void> may_release(std::span<const std::string> signers, std::string_view product,
                                         std::span<const std::string> components, const TrustedTime& now) const;

  /// A head: signed by the role's threshold of keys that may speak for every product in it; not older (version, issue
  /// time) than `last` of the same channel. Whether it has expired is not asked here: an expired one is still a fact.
  [[nodiscard]] Result<Head> open_head(const Record& record, const TrustedTime& now, const Head* last) const;

  /// A permit: signed by as many authors as the product needs; not expired.
  [[nodiscard]] Result<Permit> open_permit(const Record& record, const TrustedTime& now) const;

  /// A grant: signed by the role's threshold of directors; for the gateway whose key id is given; not expired.
  [[nodiscard]] Result<Grant> open_grant(const Record& record, const TrustedTime& now, const Digest& gateway) const;

  ~Authority();

 private:
  struct Parts;
  explicit Authority(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace hg::trust
