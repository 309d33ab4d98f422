// SPDX-License-Identifier: Apache-2.0
// The manifest that is opened and those it depends on (draft-ietf-suit-trust-domains-12), each authentic and read as
// soon as it is asked for. Dependencies come in the envelope, as integrated ones, or from the caller, who fetched them;
// each is found by the digest that the dependent manifest signed, so a false one is never taken for it. One level
// deep: a dependency that depends on others is refused. Used by suit::open and the symbolic run.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "suit/authentication.hpp"
#include "suit/members.hpp"

namespace hg::suit {

/// One authentic envelope, in slices.
struct Opened {
  Envelope envelope;
  Authenticated by;
  Members members;
  std::size_t source = 0;  ///< in whose bytes the offsets count: Range::envelope
};

/// `bytes` outlive what is returned; `origin` is the offset of bytes[0] in `source`.
Result<Opened> open_authentic(ByteView bytes, std::size_t origin, std::size_t source, const cose::KeyRing& ring);

class Bundle {
 public:
  /// `ring` and the bytes of `given` outlive this.
  Bundle(Opened root, const cose::KeyRing& ring, std::span<const ByteView> given);

  /// 0 is the root; others in the order in which they were found. References hold.
  [[nodiscard]] const Opened& operator[](std::size_t manifest) const { return manifests_[manifest]; }
  [[nodiscard]] std::size_t size() const { return manifests_.size(); }
  [[nodiscard]] const cose::KeyRing& ring() const { return ring_; }

  /// What a manifest says of the dependency that it wants.
  struct Wanted {
    Digest digest;                      ///< of its manifest
    std::optional<std::uint64_t> size;  ///< of its envelope
    std::string_view uri;               ///< may be empty
  };
  /// Its number in this bundle, or nothing when it is not here. Refused: one that is here and not what is wanted.
  Result<std::optional<std::size_t>> find(const Wanted& wanted);

 private:
  struct Given {
    ByteView bytes;
    Digest claimed;  ///< empty: no envelope
  };
  Result<std::optional<std::size_t>> find_integrated(const Wanted& wanted);
  Result<std::optional<std::size_t>> find_given(const Wanted& wanted);
  Result<std::optional<std::size_t>> take(Result<Opened> opened, const Wanted& wanted);

  const cose::KeyRing& ring_;
  std::deque<Opened> manifests_;  // which keeps references
  std::vector<Given> given_;
};

}  // namespace hg::suit
