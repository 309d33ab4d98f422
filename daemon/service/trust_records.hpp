// SPDX-License-Identifier: Apache-2.0
// The way in for trust records: roots, channel heads, permits and key grants, however they came. Each is opened by the
// root in force, and core hears of what it says. Callers tell the journal of what was refused, the reporter of what was
// accepted. Called by ingest (announced ones) and control (imported ones).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "ports/gateway_key.hpp"
#include "ports/journal.hpp"
#include "service/driver.hpp"
#include "service/root_keeper.hpp"

namespace hg::service {

class TrustRecords {
 public:
  /// `gateway_key`: null if this gateway has none; then grants are refused.
  TrustRecords(Driver& driver, RootKeeper& roots, const ports::GatewayKey* gateway_key)
      : driver_(driver), roots_(roots), gateway_key_(gateway_key) {}

  /// Returns its kind when it is durable. Errors: those of trust::Authority; Errc::exists: it is known already.
  [[nodiscard]] boost::asio::awaitable<Result<std::string>> take(Bytes bytes);

 private:
  /// What core is to hear.
  [[nodiscard]] Result<core::Event> open(const trust::Record& record, ByteView bytes) const;
  [[nodiscard]] Result<core::Event> open_head(const trust::Record& record) const;
  [[nodiscard]] Result<core::Event> open_permit(const trust::Record& record) const;
  [[nodiscard]] Result<core::Event> open_grant(const trust::Record& record, ByteView bytes) const;

  Driver& driver_;
  RootKeeper& roots_;
  const ports::GatewayKey* gateway_key_;
};

}  // namespace hg::service
