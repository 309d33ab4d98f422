// SPDX-License-Identifier: Apache-2.0
// The parameters of one component (draft-ietf-suit-manifest-37 §8.4.8, update-management-14) and the reader of the map
// in which the directives set them. Decides types, lengths and whether what they wrap can be read; what a value means
// is for execution. A parameter that the profile does not know is refused by name: ignoring one could change what the
// author said.
#pragma once

#include <optional>
#include <string_view>

#include "suit/element.hpp"

namespace hg::suit {

/// Views into the envelope.
struct Parameters {
  std::optional<Slice> vendor_id;  ///< 16 bytes, as class_id and device_id
  std::optional<Slice> class_id;
  std::optional<Slice> device_id;
  std::optional<Digest> image_digest;
  std::optional<std::uint64_t> use_before;  ///< seconds since 1970
  std::optional<std::uint64_t> slot;
  std::optional<bool> strict_order;          ///< permits to work in parallel, which a symbolic run never does
  std::optional<bool> soft_failure;          ///< of the enclosing try-each or run-sequence, not of a component
  std::optional<std::uint64_t> image_size;   ///< bytes
  std::optional<Slice> content;              ///< to be written
  std::optional<Slice> encryption_info;      ///< a COSE_Encrypt that cose::read_encrypted() accepts
  std::optional<Slice> uri;                  ///< printable
  std::optional<std::uint64_t> source;       ///< the index of a component
  std::optional<Slice> invoke_arguments;     ///< the child's
  std::optional<Slice> fetch_arguments;      ///< the child's
  std::optional<std::uint64_t> battery_mwh;  ///< at least
  std::optional<std::int64_t> priority;
  std::optional<Slice> version;   ///< what read_version_condition() reads
  std::optional<Slice> wait;      ///< what read_wait() reads
  std::optional<Slice> metadata;  ///< owner, mode and times of a file: the child's; well formed

  /// directive-override-parameters: what `other` has takes the place of what is there.
  void override_with(const Parameters& other);
  /// directive-set-parameters: what `other` has is taken where nothing is yet.
  void fill_from(const Parameters& other);
};

/// {+ key => value}; `manifest` says in whose envelope (Slice::manifest).
Result<Parameters> read_parameters(cbor::Reader& reader, std::size_t manifest);

/// directive-copy-params: the parameters with the keys in [+ key] are copied. One that `from` has not is refused.
Result<void> copy_parameters(cbor::Reader& keys, const Parameters& from, Parameters& to);

}  // namespace hg::suit
