// SPDX-License-Identifier: Apache-2.0
// The TLV of LwM2M (application/vnd.oma.lwm2m+tlv, OMA-TS-LightweightM2M_Core section 7.4.3), bytes to resources and
// back. Pure; of what type a value is, who reads it knows. Called by resource.
#pragma once

#include "coap/resource.hpp"

namespace hg::coap {

/// Relative to the path that was read: below an object stand instances, below an instance resources. A list of
/// resources is also taken as an answer to a read of an object with one instance, 0, as 1.0 lets it be. Errc::invalid
/// with its offset; Errc::too_large: more than kMaxResources.
Result<std::vector<Resource>> resources_from_tlv(ByteView body, const ResourcePath& read);

/// One resource, in the shortest form.
Bytes tlv_of(std::uint16_t resource, const Value& value);

}  // namespace hg::coap
