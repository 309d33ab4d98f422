// SPDX-License-Identifier: Apache-2.0
// SenML-CBOR of any child: what is accepted names resources, and each record is read again as it is written.
#include <cstdlib>

#include "coap/senml_cbor.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hg::coap;
  const auto resources = resources_from_senml_cbor({data, size});
  if (!resources) return 0;
  if (resources->size() > kMaxResources || resources->size() > size) std::abort();
  for (const Resource& one : *resources) {
    if (!one.path.resource) std::abort();
    const auto again = resources_from_senml_cbor(senml_cbor_of(one.path, one.value));
    if (!again || again->size() != 1 || again->front() != one) std::abort();
  }
  return 0;
}
