// SPDX-License-Identifier: Apache-2.0
// What a child may answer: any bytes. Every reader of answers must end in a value or an error, and what it accepts must
// keep to the limits of the plugin wire, because it is sent on to the daemon.
#include <cstdlib>

#include "sdk/loose_cbor.hpp"
#include "smp/bootloader.hpp"
#include "smp/image_group.hpp"
#include "smp/learned.hpp"
#include "smp/os_group.hpp"
#include "smp/packet.hpp"
#include "smp/refusal.hpp"
#include "wire/codec.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hg;
  const ByteView input(data, size);
  const auto header = smp::header_of(input);
  const ByteView body = header ? input.subspan(smp::kHeaderSize) : input;

  plugin::LooseReader reader(body);
  static_cast<void>(reader.skip());
  const std::string text(input.begin(), input.end());
  if (const auto learned = smp::learned_from(text); learned && smp::text_of(*learned).size() > text.size())
    std::abort();
  static_cast<void>(smp::params_in(body));
  static_cast<void>(smp::upload_answer_in(body));

  smp::BootloaderInfo info;
  static_cast<void>(smp::read_bootloader(body, info));
  wire::Seen seen;
  seen.revert_class = smp::character_of(info, {}).revert_class;
  seen.bootloader = smp::text_of(info);
  if (auto slots = smp::slots_in(body)) seen.slots = std::move(*slots);
  const auto frame = wire::encode(wire::Inspected{{1, "child"}, seen});
  if (!frame || !wire::decode(*frame)) std::abort();

  const auto refusal = smp::refusal_in(body);
  if (!refusal || !*refusal) return 0;
  const wire::Failed failed{
      {1, "child"}, smp::error_from(**refusal).code, wire::bounded_text(smp::error_from(**refusal).message)};
  const auto answer = wire::encode(failed);
  if (!answer || !wire::decode(*answer)) std::abort();
  return 0;
}
