// SPDX-License-Identifier: Apache-2.0
// What the cloud shows of a fleet's deliverables: an envelope of each that names its images, and the images, which say
// in their first bytes what a child reports that runs them. The key "anna" signs (fakes/names_ring.hpp).
#pragma once

#include <string>
#include <vector>

#include "core/model.hpp"
#include "fakes/memory_web.hpp"
#include "ports/inspector.hpp"

namespace hg::sim {

std::string url_of(const core::DeliverableId& name);

/// Puts the envelope and all images on `web`. Two images of one name are told by the roles of the product's layout.
void publish(fakes::MemoryWeb& web, const core::Deliverable& deliverable, const std::vector<core::Layout>& layouts);

/// What a child reports that runs these bytes; empty: no image of ours.
Digest running_digest_of(ByteView image);

/// Reads what an image says of itself.
class ImageInspector final : public ports::Inspector {
 public:
  [[nodiscard]] boost::asio::awaitable<Result<ports::ImageFacts>> inspect(UniqueFd image, std::uint64_t size) override;
};

/// All of a sealed blob.
Result<Bytes> read_blob(const UniqueFd& blob);

}  // namespace hg::sim
