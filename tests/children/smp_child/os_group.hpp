// SPDX-License-Identifier: Apache-2.0
// The OS group (smp.md 3): echo, reset, params, os info, bootloader info. Used by the server.
#pragma once

#include "exchange.hpp"
#include "options.hpp"
#include "record.hpp"

namespace smp_child {

class OsGroup : public Group {
 public:
  OsGroup(const Options& options, Record& record) : options_(options), record_(record) {}

  Status handle(Exchange& exchange) override;

 private:
  Status echo(Exchange& exchange) const;
  Status reset(Exchange& exchange);
  Status params(Exchange& exchange) const;
  Status os_info(Exchange& exchange) const;
  Status bootloader_info(Exchange& exchange) const;

  const Options& options_;
  Record& record_;
  unsigned refused_resets_ = 0;
};

}  // namespace smp_child
