// SPDX-License-Identifier: Apache-2.0
#include "os_group.hpp"

namespace smp_child {
namespace {

enum Command : std::uint8_t { kEcho = 0, kReset = 5, kParams = 6, kOsInfo = 7, kBootloaderInfo = 8 };
constexpr std::uint64_t kBootModeRecovery = 1;
const Status kInvalidFormat{2, Rc::invalid};
const Status kQueryYieldsNoAnswer{3, Rc::no_entry};

}  // namespace

Status OsGroup::handle(Exchange& exchange) {
  if (exchange.header.command == kEcho) return echo(exchange);
  if (exchange.is(kWrite, kReset)) return reset(exchange);
  if (exchange.is(kRead, kParams)) return params(exchange);
  if (exchange.is(kRead, kOsInfo)) return os_info(exchange);
  if (exchange.is(kRead, kBootloaderInfo)) return bootloader_info(exchange);
  return Rc::not_supported;
}

Status OsGroup::echo(Exchange& exchange) const {
  const auto text = exchange.request.text("d");
  if (!text) return kInvalidFormat;
  exchange.answer.put_text("r", *text);
  return {};
}

Status OsGroup::reset(Exchange& exchange) {
  record_.count("reset_requests");
  if (refused_resets_ < options_.server.refuse_resets && !exchange.request.flag("force")) {
    ++refused_resets_;
    record_.event("reset refused");
    return Rc::busy;
  }
  record_.event("reset requested");
  exchange.reset = true;
  exchange.to_recovery =
      options_.boot.recovery.boot_mode && exchange.request.integer("boot_mode").value_or(0) == kBootModeRecovery;
  return {};
}

Status OsGroup::params(Exchange& exchange) const {
  exchange.silent = options_.quirks.silent_params;
  if (!options_.server.params) return Rc::not_supported;
  exchange.answer.put_integer("buf_size", static_cast<std::int64_t>(options_.link.buf_size));
  exchange.answer.put_integer("buf_count", static_cast<std::int64_t>(options_.link.buf_count));
  return {};
}

Status OsGroup::os_info(Exchange& exchange) const {
  if (options_.server.os_info.empty()) return Rc::not_supported;
  exchange.answer.put_text("output", options_.server.os_info);
  return {};
}

Status OsGroup::bootloader_info(Exchange& exchange) const {
  if (!options_.server.bootloader_info) return Rc::not_supported;
  const auto query = exchange.request.text("query");
  if (!query) {
    exchange.answer.put_text("bootloader", "MCUboot");
  } else if (*query == "mode") {
    exchange.answer.put_integer("mode", options_.boot.mode);
    if (options_.boot.no_downgrade) exchange.answer.put_boolean("no-downgrade", true);
  } else {
    return kQueryYieldsNoAnswer;
  }
  return {};
}

}  // namespace smp_child
