// SPDX-License-Identifier: Apache-2.0
// What a gateway asks of a manifest beyond authenticity before it publishes it. A manifest may be right for a device
// and useless for a gateway: without digests nothing can be sealed, without vendor and class it would fit any child.
// Decides about the manifest alone; keys, clocks and children are for the caller (service/ingest, headgate-pack).
#pragma once

#include <string>
#include <vector>

#include "suit/manifest.hpp"

namespace hg::suit {

/// At least one image, and each with a vendor and a class condition, digest and size; encrypted ones with the digest
/// of the plaintext, too; integrated payloads, severed sections and dependencies present; no image-match or
/// image-not-match that only a device can answer. The error names the component and what it lacks.
Result<void> check_deliverable(const Manifest& manifest);

/// All that the manifest may write to, as texts, sorted: its own components, and those of manifests that it builds on.
/// Whoever signs it must be allowed to.
std::vector<std::string> target_components(const Manifest& manifest);

/// The "#name" URIs that no payload of the envelope answers: an intermediary may have taken them out.
std::vector<std::string> missing_payloads(const Manifest& manifest);

}  // namespace hg::suit
