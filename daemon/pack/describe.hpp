// SPDX-License-Identifier: Apache-2.0
// What envelopes, records, encryption infos and MCUboot images say, as JSON. Every description begins with "kind" and
// "verified": false, for nothing here asks who signed. How it is shown is for inspect.
#pragma once

#include <boost/json.hpp>

#include "images/mcuboot.hpp"
#include "trust/record.hpp"

namespace hg::pack {

Result<boost::json::object> describe_envelope(ByteView bytes);
Result<boost::json::object> describe_record(ByteView bytes);
Result<boost::json::object> describe_encryption_info(ByteView bytes);
boost::json::object describe_image(const images::McubootImage& image);

/// Parts that several of them have.
boost::json::object describe_signature(std::int64_t algorithm, ByteView key_id, bool is_mac);
boost::json::object describe_encryption(ByteView info);
boost::json::object beginning(std::string_view kind);
std::string hex_of_uuid(ByteView uuid);

}  // namespace hg::pack
