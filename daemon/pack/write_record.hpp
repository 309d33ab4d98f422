// SPDX-License-Identifier: Apache-2.0
// The last step of every record: signed and into its file. Used by records, heads and roots.
#pragma once

#include "pack/records.hpp"
#include "trust/record.hpp"

namespace hg::pack {

/// `payload` is one that trust's reader of this kind accepts.
Result<void> write_record(trust::RecordKind kind, ByteView payload, const RecordOptions& options);

}  // namespace hg::pack
