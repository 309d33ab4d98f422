// SPDX-License-Identifier: Apache-2.0
#include "suit/manifest.hpp"

#include <algorithm>

#include "suit/authentication.hpp"
#include "suit/envelope.hpp"
#include "suit/execution.hpp"
#include "suit/members.hpp"
#include "suit/text.hpp"

namespace hg::suit {
namespace {

/// Connects images with the payloads beside the manifest. An intermediary may add a payload under the very URI that it
/// was fetched from (§8.6), so any URI may name one; "#name" must.
Result<void> place_payload(const Envelope& envelope, const cose::KeyRing& anchors, Image& image) {
  const auto payload = std::ranges::find(envelope.payloads, image.uri, &IntegratedPayload::name);
  const std::string name = "payload " + image.uri;
  if (payload == envelope.payloads.end()) return {};
  if (payload->bytes.size() != *image.size) {
    return Error{Errc::mismatch, name + " has " + std::to_string(payload->bytes.size()) + " bytes, " +
                                     std::to_string(*image.size) + " are signed"};
  }
  if (auto matches = check_digest(anchors, payload->bytes, *image.digest); !matches) {
    return matches.error().within(name);
  }
  image.integrated = Range{payload->offset, payload->bytes.size(), 0};
  return {};
}

Result<void> place_payloads(const Envelope& envelope, const cose::KeyRing& anchors, std::vector<Image>& images) {
  for (const IntegratedPayload& payload : envelope.payloads) {
    if (std::ranges::find(images, payload.name, &Image::uri) == images.end()) {
      return cbor::Reader::error_at(payload.offset, Errc::invalid, "an integrated payload that no URI refers to");
    }
  }
  for (Image& image : images) {
    if (auto placed = place_payload(envelope, anchors, image); !placed) return placed;
  }
  return {};
}

std::vector<std::string> texts_of(const std::vector<ComponentId>& components) {
  std::vector<std::string> texts;
  for (const ComponentId& component : components) texts.push_back(component.text());
  std::ranges::sort(texts);
  return texts;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : "+") + text;
  return all;
}

}  // namespace

Result<Manifest> open(ByteView envelope_bytes, const cose::KeyRing& anchors, std::span<const ByteView>) {
  const auto envelope = Envelope::parse(envelope_bytes);
  if (!envelope) return envelope.error().within("envelope");
  const auto authenticated = authenticate(*envelope, anchors);
  if (!authenticated) return authenticated.error().within("authentication");
  const auto members = read_members(*envelope, anchors);
  if (!members) return members.error().within("manifest");
  auto images = run_symbolically(*members);
  if (!images) return images.error();
  if (members->text) {
    if (auto read = read_versions(*members->text, *images); !read) return read.error().within("text");
  }
  if (auto placed = place_payloads(*envelope, anchors, *images); !placed) return placed.error();
  Manifest manifest;
  manifest.sequence = members->sequence_number;
  manifest.digest = authenticated->manifest_digest;
  manifest.components = texts_of(members->components);
  manifest.product = members->manifest_id ? members->manifest_id->text() : joined(manifest.components);
  manifest.set_version = members->set_version;
  manifest.version = version_text(members->set_version);
  manifest.signers = authenticated->signers;
  manifest.images = std::move(*images);
  return manifest;
}

}  // namespace hg::suit
