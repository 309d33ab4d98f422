// SPDX-License-Identifier: Apache-2.0
#include "pack/record_payload.hpp"

#include "trust/enrollment_list.hpp"
#include "trust/root.hpp"
#include "trust/statements.hpp"

namespace hg::pack {

Result<void> check_payload(const trust::Record& record) {
  using trust::RecordKind;
  const auto forget = [](const auto& result) { return result ? Result<void>() : Result<void>(result.error()); };
  switch (record.kind) {
    case RecordKind::root:
      return forget(trust::read_root(record.payload));
    case RecordKind::head:
      return forget(trust::read_head(record.payload));
    case RecordKind::permit:
      return forget(trust::read_permit(record.payload));
    case RecordKind::grant:
      return forget(trust::read_grant(record.payload));
    case RecordKind::enrollment:
      return forget(trust::read_enrollment_list(record.payload));
  }
  return Error{Errc::internal, "a kind of record that nobody reads"};
}

}  // namespace hg::pack
