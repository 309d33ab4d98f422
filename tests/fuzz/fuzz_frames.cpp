// SPDX-License-Identifier: Apache-2.0
// What a plugin may send to the daemon: any bytes. Decoding must end in a frame or an error, and a frame that was
// accepted must encode to exactly the bytes that it came from (the encoding is deterministic).
#include <algorithm>
#include <cstdlib>

#include "wire/codec.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const hg::ByteView input(data, size);
  const auto frame = hg::wire::decode(input);
  if (!frame) return 0;
  const auto again = hg::wire::encode(*frame);
  if (!again || !std::ranges::equal(*again, input)) std::abort();
  return 0;
}
