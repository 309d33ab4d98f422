// SPDX-License-Identifier: Apache-2.0
// How many requests an address may still make: a token bucket for each, in a table whose memory never grows. Asked by
// libcoap_server for each request that would reach the Inlet.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sdk/driver.hpp"

namespace hg::coap {

/// An IPv6 address, or a mapped IPv4 one, and a port. Each counts by both first, so that one that floods spends nothing
/// of who is behind the same NAT; then all that are not registered count by their address, with port 0.
using RequestOrigin = std::array<std::uint8_t, 18>;

class RequestRates {
 public:
  enum class Verdict : std::uint8_t {
    welcome,
    refused,  ///< the first one too many: 4.29
    ignored,  ///< the others, until there is room again: silence
  };

  RequestRates(unsigned per_second, unsigned burst);
  Verdict ask(const RequestOrigin& host, plugin::SteadyTime now);

 private:
  struct Bucket {
    RequestOrigin host{};
    plugin::SteadyTime at{};
    double left = 0;
    bool was_refused = false;
    bool is_used = false;
  };

  Bucket& bucket_of(const RequestOrigin& host, plugin::SteadyTime now);

  double per_second_;
  double burst_;
  std::vector<Bucket> buckets_;
  std::uint64_t salt_;  // so that nobody can choose addresses that meet in one place
};

}  // namespace hg::coap
