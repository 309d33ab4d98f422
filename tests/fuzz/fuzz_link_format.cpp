// SPDX-License-Identifier: Apache-2.0
// The object list of any child: it ends in an error, or in a list within its limits that is read again as it is
// written.
#include <cstdlib>

#include "coap/link_format.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hg::coap;
  const std::string text(data, data + size);
  const auto list = object_list_from(text);
  if (!list) return 0;
  if (size > kMaxObjectList || list->entries.size() > kMaxObjectEntries) std::abort();
  if (list->formats.size() > kMaxOfferedFormats) std::abort();
  for (const auto& entry : list->entries) {
    const bool matters = entry.object == kServerObject || entry.object == kDeviceObject ||
                         entry.object == kFirmwareObject || entry.object == kAdvancedFirmwareObject;
    if (!matters || !list->has(entry.object)) std::abort();
  }
  const auto again = object_list_from(text_of(*list));
  if (!again || *again != *list) std::abort();
  return 0;
}
