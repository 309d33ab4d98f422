// SPDX-License-Identifier: Apache-2.0
// The parameters of one component (draft-ietf-suit-manifest-37 §8.4.8) and the reader of the map in which the
// directives set them. Decides types and lengths; what a value means is for execution. A parameter that this slice of
// profile v1 does not know is refused by name: ignoring one could change what the author said.
#pragma once

#include <optional>
#include <string_view>

#include "base/cbor.hpp"
#include "base/digest.hpp"

namespace hg::suit {

/// Views into the envelope.
struct Parameters {
  std::optional<ByteView> vendor_id;  ///< 16 bytes, as class_id and device_id
  std::optional<ByteView> class_id;
  std::optional<ByteView> device_id;
  std::optional<Digest> image_digest;
  std::optional<std::uint64_t> image_size;  ///< bytes
  std::optional<std::string_view> uri;

  /// directive-override-parameters: what `other` has takes the place of what is there.
  void override_with(const Parameters& other);
  /// directive-set-parameters: what `other` has is taken where nothing is yet.
  void fill_from(const Parameters& other);
};

/// {+ key => value}
Result<Parameters> read_parameters(cbor::Reader& reader);

}  // namespace hg::suit
