// SPDX-License-Identifier: Apache-2.0
// SenML in CBOR (RFC 8428 section 6) as LwM2M 1.1 uses it (section 7.4.5): records with base name, name and value to
// resources and back. Times, units, sums and unknown labels are skipped, labels that end in '_' refused. Called by
// resource, and by lwm2m for Send.
#pragma once

#include "coap/resource.hpp"

namespace hg::coap {

/// Records without a value are left out. Errc::invalid: malformed, or a name that is no path of a resource;
/// Errc::too_large: more than kMaxResources.
Result<std::vector<Resource>> resources_from_senml_cbor(ByteView body, std::string_view root = {});

/// One record.
Bytes senml_cbor_of(const ResourcePath& path, const Value& value);

}  // namespace hg::coap
