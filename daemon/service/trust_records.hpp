// SPDX-License-Identifier: Apache-2.0
// The way in for trust records: roots, channel heads, permits and key grants, however they came. Each is opened by the
// root in force, and core hears of what it says. Callers tell the journal of what was refused, the reporter of what was
// accepted. Called by ingest (announced ones) and control (imported ones).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "ports/journal.hpp"
#include "service/driver.hpp"
#include "service/enrollment_lists.hpp"
#include "service/key_intake.hpp"
#include "service/root_keeper.hpp"

namespace hg::service {

class TrustRecords {
 public:
  TrustRecords(Driver& driver, RootKeeper& roots, KeyIntake& keys, EnrollmentLists& lists)
      : driver_(driver), roots_(roots), keys_(keys), lists_(lists) {}

  /// Returns its kind when it is durable. Errors: those of trust::Authority; Errc::exists: it is known already.
  [[nodiscard]] boost::asio::awaitable<Result<std::string>> take(Bytes bytes);

 private:
  /// What core is to hear of the record in `bytes`, which outlives it.
  boost::asio::awaitable<Result<core::Event>> open(trust::Record record, ByteView bytes);
  [[nodiscard]] Result<core::Event> open_head(const trust::Record& record) const;
  [[nodiscard]] Result<core::Event> open_permit(const trust::Record& record) const;
  boost::asio::awaitable<Result<void>> take_enrollment(trust::Record record);
  boost::asio::awaitable<Result<core::Event>> open_grant(trust::Record record, ByteView bytes);

  Driver& driver_;
  RootKeeper& roots_;
  KeyIntake& keys_;
  EnrollmentLists& lists_;
};

}  // namespace hg::service
