// SPDX-License-Identifier: Apache-2.0
#include "coap/request_rates.hpp"

#include <algorithm>
#include <random>
#include <span>

namespace hg::coap {
namespace {

constexpr std::size_t kSets = 1024;  // a power of two
constexpr std::size_t kWays = 4;  // addresses that share a place; of more the one that was silent longest is forgotten

std::uint64_t hash_of(const RequestOrigin& host, std::uint64_t salt) {
  std::uint64_t hash = salt;
  for (const std::uint8_t byte : host) hash = (hash ^ byte) * 0x9E3779B97F4A7C15U + (hash >> 29U);
  return hash ^ hash >> 32U;
}

}  // namespace

RequestRates::RequestRates(unsigned per_second, unsigned burst)
    : per_second_(per_second), burst_(std::max(1U, burst)), buckets_(kSets * kWays) {
  std::random_device random;
  salt_ = std::uint64_t{random()} << 32U | random();
}

RequestRates::Verdict RequestRates::ask(const RequestOrigin& host, plugin::SteadyTime now) {
  Bucket& bucket = bucket_of(host, now);
  const std::chrono::duration<double> passed = now - bucket.at;
  bucket.at = now;
  bucket.left = std::min(burst_, bucket.left + passed.count() * per_second_);
  if (bucket.left >= 1) {
    bucket.left -= 1;
    bucket.was_refused = false;
    return Verdict::welcome;
  }
  if (bucket.was_refused) return Verdict::ignored;
  bucket.was_refused = true;
  return Verdict::refused;
}

RequestRates::Bucket& RequestRates::bucket_of(const RequestOrigin& host, plugin::SteadyTime now) {
  const std::size_t first = (hash_of(host, salt_) % kSets) * kWays;
  const std::span<Bucket> set(&buckets_[first], kWays);
  const auto known = std::ranges::find_if(set, [&](const Bucket& one) { return one.is_used && one.host == host; });
  if (known != set.end()) return *known;
  Bucket& oldest = *std::ranges::min_element(set, {}, &Bucket::at);
  oldest = {host, now, burst_, false, true};
  return oldest;
}

}  // namespace hg::coap
