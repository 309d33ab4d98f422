// SPDX-License-Identifier: Apache-2.0
// A TLV of any child, after one byte that says what was read: all that comes out is below that path, no larger than
// what went in, and each value is read again as it is written. Objects 3, 5 and 33629 must take it, or refuse it.
#include <array>
#include <cstdlib>

#include "coap/device_object.hpp"
#include "coap/firmware_object.hpp"
#include "coap/tlv.hpp"

namespace {

constexpr std::array<std::string_view, 6> kRead{"5", "5/0", "5/0/8", "5/0/8/1", "33629", "3/0"};

void check_value(const hg::coap::Resource& one) {
  const std::uint16_t id = *one.path.resource;
  const hg::Bytes written = hg::coap::tlv_of(id, one.value);
  const auto again = hg::coap::resources_from_tlv(written, {one.path.object, one.path.instance});
  if (!again || again->size() != 1 || again->front().value != one.value) std::abort();
  const auto number = one.value.integer();
  if (number && hg::coap::Value{hg::coap::Untyped{*one.value.opaque()}}.integer() != number) std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hg::coap;
  if (size == 0) return 0;
  const auto read = resource_path_from(kRead[data[0] % kRead.size()]).value();
  const hg::ByteView body(data + 1, size - 1);
  const auto resources = resources_from(Format::tlv, body, read);
  if (!resources) return 0;
  std::size_t bytes = 0;
  for (const Resource& one : resources->all()) {
    const std::string path = text_of(one.path);
    if (!one.path.resource || !path.starts_with(text_of(read))) {
      if (!read.member || one.path.member) std::abort();  // a single value answers a read of a member
    }
    bytes += one.value.opaque().value().size() + 2;
    check_value(one);
  }
  if (bytes > body.size() || resources->all().size() > kMaxResources) std::abort();
  if (const auto device = device_from(*resources); device && device->battery_percent.value_or(0) > 100) std::abort();
  const auto firmware = firmware_from(*resources, read.object, 0);
  if (firmware && firmware->state > FirmwareState::updating) std::abort();
  return 0;
}
