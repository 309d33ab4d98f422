// SPDX-License-Identifier: Apache-2.0
// Any text as a child's address: what is taken can be written down again and means the same. And any text as the name
// that somebody advertises: what he would be enrolled as is an address, and means him.
#include <cstdlib>

#include "ble/address.hpp"
#include "ble/seen.hpp"
#include "ble/strangers.hpp"
#include "wire/limits.hpp"

namespace {

using namespace hg;

std::string text_of(const ble::BleAddress& address) {
  std::string text = address.name.empty() ? address.address : "name:" + address.name;
  if (!address.adapter.empty()) text += "@" + address.adapter;
  return text;
}

void look_at(const std::string& text) {
  const auto address = ble::ble_address_from(text);
  if (!address) return;
  if (address->address.empty() == address->name.empty()) std::abort();
  const auto again = ble::ble_address_from(text_of(*address));
  if (!again || *again != *address) std::abort();
}

void meet(const std::string& name) {
  ble::Objects objects;
  test::show_adapter(objects, "hci0", "00:AA:01:00:00:00");
  const std::string path =
      test::show_device(objects, {.address = "4A:00:00:00:00:01", .name = name, .is_random = true});
  const auto check = [&](const plugin::Meeting& meeting) {
    const auto& met = std::get<wire::Discovered>(meeting);
    if (met.address.size() > wire::kMaxAddress || met.text.size() > wire::kMaxText) std::abort();
    const auto address = ble::ble_address_from(met.address);
    if (!address) std::abort();
    const auto device = ble::device_of(*address, "", {}, objects, {});
    if (!device || device->path != path) std::abort();
  };
  ble::Strangers strangers(check);
  strangers.look(objects, {}, plugin::SteadyTime{} + std::chrono::hours{1});
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  look_at(text);
  look_at("name:" + text);
  meet(text);
  return 0;
}
