// SPDX-License-Identifier: Apache-2.0
#include "suit/payloads.hpp"

#include <algorithm>
#include <string>

namespace hg::suit {

Result<void> Payloads::place(std::vector<Found>& images) {
  for (Found& found : images) {
    auto placed = found.content ? place_content(found) : place_payload(found);
    if (!placed) return placed;
  }
  return {};
}

/// An intermediary may add a payload under the very URI that it was fetched from (§8.6), so any URI may name one. The
/// envelope is that in which the URI stands, whoever runs the fetch.
Result<void> Payloads::place_payload(Found& found) {
  const Opened& opened = bundle_[found.uri->manifest];
  const IntegratedPayload* payload = opened.envelope.find_payload(found.uri->text());
  if (payload == nullptr) return {};
  Image& image = found.image;
  const std::string name = "payload " + image.uri;
  if (image.size && payload->bytes.size() != *image.size) {
    return Error{Errc::mismatch, name + " has " + std::to_string(payload->bytes.size()) + " bytes, " +
                                     std::to_string(*image.size) + " are signed"};
  }
  if (image.digest) {
    const auto digest = digest_of(payload->bytes, *image.digest);
    if (!digest) return digest.error().within(name);
    if (*digest != *image.digest) return Error{Errc::mismatch, name + ": the digest is not the signed one"};
  }
  image.integrated = Range{payload->offset, payload->bytes.size(), opened.source};
  return {};
}

/// Content is signed with the manifest; a digest of its own it has only where an image-match asks for it.
Result<void> Payloads::place_content(Found& found) {
  const Slice& content = *found.content;
  Image& image = found.image;
  if (!image.digest) {
    image.digest = bundle_.ring().sha256(content.bytes);
  } else if (auto matches = check_digest(bundle_.ring(), content.bytes, *image.digest); !matches) {
    return matches.error().within("content of component " + image.component.text());
  }
  image.integrated = Range{content.offset, content.bytes.size(), bundle_[content.manifest].source};
  return {};
}

Result<Digest> Payloads::digest_of(ByteView bytes, const Digest& like) {
  const auto key = std::pair(bytes.data(), like.bytes().size());
  if (const auto known = digests_.find(key); known != digests_.end()) return known->second;
  auto digest = digest_like(bundle_.ring(), bytes, like);
  if (digest) digests_.emplace(key, *digest);
  return digest;
}

Result<void> Payloads::check_referenced(const Outcome& outcome) const {
  std::vector<std::size_t> manifests = outcome.processed;
  manifests.push_back(0);
  for (const std::size_t manifest : manifests) {
    for (const IntegratedPayload& payload : bundle_[manifest].envelope.payloads) {
      const auto names_it = [&](const Item& item) {
        const bool has_uri = item.holding && item.holding->uri && item.holding->uri->manifest == manifest;
        return has_uri && item.holding->uri->text() == payload.name;
      };
      const auto refers = [&](const Course& course) { return std::ranges::any_of(course.items, names_it); };
      if (std::ranges::any_of(outcome.courses, refers)) continue;
      return cbor::Reader::error_at(payload.offset, Errc::invalid, "an integrated payload that no URI refers to");
    }
  }
  return {};
}

}  // namespace hg::suit
