// SPDX-License-Identifier: Apache-2.0
#include "suit/bundle.hpp"

#include <string>

#include "suit/limits.hpp"

namespace hg::suit {
namespace {

using Found = std::optional<std::size_t>;

/// The digest that an envelope claims for its manifest; empty for what is none.
Digest claim_of(ByteView bytes) {
  const auto envelope = Envelope::parse(bytes);
  if (!envelope) return {};
  const auto claimed = read_claimed_digest(*envelope);
  return claimed ? *claimed : Digest{};
}

Result<void> check_size(ByteView envelope, const Bundle::Wanted& wanted) {
  if (!wanted.size || *wanted.size == envelope.size()) return {};
  return Error{Errc::mismatch,
               "it has " + std::to_string(envelope.size()) + " bytes, " + std::to_string(*wanted.size) + " are signed"};
}

}  // namespace

Result<Opened> open_authentic(ByteView bytes, std::size_t origin, std::size_t source, const cose::KeyRing& ring) {
  auto envelope = Envelope::parse(bytes, origin);
  if (!envelope) return envelope.error().within("envelope");
  auto by = authenticate(*envelope, ring);
  if (!by) return by.error().within("authentication");
  auto members = read_members(*envelope, ring);
  if (!members) return members.error().within("manifest");
  return Opened{std::move(*envelope), std::move(*by), std::move(*members), source};
}

Bundle::Bundle(Opened root, const cose::KeyRing& ring, std::span<const ByteView> given) : ring_(ring) {
  manifests_.push_back(std::move(root));
  for (const ByteView bytes : given) given_.push_back({bytes, claim_of(bytes)});
}

Result<Found> Bundle::find(const Wanted& wanted) {
  for (std::size_t i = 1; i < manifests_.size(); ++i) {
    if (manifests_[i].by.manifest_digest == wanted.digest) return Found{i};
  }
  auto integrated = find_integrated(wanted);
  if (!integrated || *integrated) return integrated;
  return find_given(wanted);
}

Result<Found> Bundle::find_integrated(const Wanted& wanted) {
  const IntegratedPayload* payload = manifests_[0].envelope.find_payload(wanted.uri);
  if (payload == nullptr) return Found{};
  if (auto fits = check_size(payload->bytes, wanted); !fits) return fits.error();
  return take(open_authentic(payload->bytes, payload->offset, 0, ring_), wanted);
}

Result<Found> Bundle::find_given(const Wanted& wanted) {
  for (std::size_t i = 0; i < given_.size(); ++i) {
    if (given_[i].claimed != wanted.digest) continue;
    if (auto fits = check_size(given_[i].bytes, wanted); !fits) return fits.error();
    return take(open_authentic(given_[i].bytes, 0, i + 1, ring_), wanted);
  }
  return Found{};
}

Result<Found> Bundle::take(Result<Opened> opened, const Wanted& wanted) {
  if (!opened) return opened.error();
  if (opened->by.manifest_digest != wanted.digest) {
    return Error{Errc::mismatch, "the digest of its manifest is not the signed one"};
  }
  if (!opened->members.dependencies.empty()) {
    return Error{Errc::unsupported, "it has dependencies itself, only one level is followed"};
  }
  if (manifests_.size() > kMaxDependencies) {
    return Error{Errc::too_large, "more than " + std::to_string(kMaxDependencies) + " dependencies"};
  }
  manifests_.push_back(std::move(*opened));
  return Found{manifests_.size() - 1};
}

}  // namespace hg::suit
