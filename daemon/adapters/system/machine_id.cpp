// SPDX-License-Identifier: Apache-2.0
#include "adapters/system/machine_id.hpp"

#include <systemd/sd-id128.h>

#include <cstring>

#include "base/bytes.hpp"

namespace hg::system {

Result<std::string> gateway_id() {
  // Made for headgate with `systemd-id128 new`; changing it renames every gateway.
  constexpr sd_id128_t kHeadgate = {
      {0x62, 0x50, 0xac, 0xac, 0xe0, 0x44, 0x4a, 0x07, 0x97, 0xc0, 0x27, 0xf2, 0x94, 0x67, 0x01, 0x69}};
  sd_id128_t id{};
  const int code = ::sd_id128_get_machine_app_specific(kHeadgate, &id);
  if (code < 0) return Error{Errc::unavailable, std::string("machine id: ") + std::strerror(-code)};
  return to_hex(id.bytes);
}

}  // namespace hg::system
