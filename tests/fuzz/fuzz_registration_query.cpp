// SPDX-License-Identifier: Apache-2.0
// The queries of any child, with '&' between its parameters: what is accepted is within its bounds, and said again in
// our own words it is the same.
#include <cstdlib>

#include "coap/registration_query.hpp"

namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parameters;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('&', begin), text.size());
    parameters.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parameters;
}

bool is_lifetime(std::uint32_t seconds) {
  return seconds >= 1 && seconds <= hg::coap::kLongestLifetime;
}

void check_update(const std::vector<std::string>& query) {
  const auto update = hg::coap::update_query_from(query);
  if (!update) return;
  std::vector<std::string> said;
  if (update->lifetime) {
    if (!is_lifetime(*update->lifetime)) std::abort();
    said.push_back("lt=" + std::to_string(*update->lifetime));
  }
  if (update->queues) said.emplace_back(*update->queues ? "b=UQ" : "b=U");
  if (hg::coap::update_query_from(said).value() != *update) std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hg::coap;
  const auto query = split(std::string(data, data + size));
  check_update(query);
  const auto found = registration_query_from(query);
  if (!found) return 0;
  if (!is_lifetime(found->lifetime)) std::abort();
  if (found->endpoint.empty() ? found->version == Lwm2mVersion::v1_0 : !is_endpoint(found->endpoint)) std::abort();
  std::vector<std::string> said{"lt=" + std::to_string(found->lifetime),
                                "lwm2m=" + std::string(text_of(found->version))};
  if (!found->endpoint.empty()) said.push_back("ep=" + found->endpoint);
  if (found->queues) said.emplace_back("Q");
  if (registration_query_from(said).value() != *found) std::abort();
  return 0;
}
