// SPDX-License-Identifier: Apache-2.0
// From what an author wrote to what core keeps: manifests and trust records in core's words, and by name what core
// could not keep to. Pure. Called by admission and trust_records.
#pragma once

#include "core/model.hpp"
#include "suit/manifest.hpp"
#include "trust/statements.hpp"

namespace hg::service {

/// Without images, source and time.
core::Deliverable to_core(const suit::Manifest& manifest, core::DeliverableId id);

/// What `image` says, for one that suit::check_deliverable() accepts; what only its bytes tell is left empty.
core::Image to_core(const suit::Image& image);

/// Whether updates of this gateway can hold to all that `image` asks. Errc::unsupported by name: bound to one device
/// id, waiting for another target's version.
Result<void> check_can_be_kept(const suit::Image& image);

core::Head to_core(const trust::Head& head);
trust::Head to_trust(const core::Head& head);

/// `signers` is for people.
core::Permit to_core(const trust::Permit& permit, std::string signers);

/// "anna, bert"
std::string joined(const std::vector<std::string>& names);

}  // namespace hg::service
