// SPDX-License-Identifier: Apache-2.0
// The queries of Register and Update (OMA-TS-LightweightM2M_Core section 6.2): what a child says of itself beside its
// object list. Parameters come in any order; those that are not known are left alone. Called by lwm2m.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace hg::coap {

inline constexpr std::uint32_t kDefaultLifetime = 86400;        ///< s, where Register says none
inline constexpr std::uint32_t kLongestLifetime = 2147483648U;  ///< s, 2^31
inline constexpr std::size_t kLongestEndpoint = 200;            ///< bytes

enum class Lwm2mVersion : std::uint8_t { v1_0, v1_1, v1_2 };
std::string_view text_of(Lwm2mVersion version);

struct RegistrationQuery {
  std::string endpoint{};  ///< `ep`, as is_endpoint() says; empty: left to the identity of the link (1.1)
  std::uint32_t lifetime = kDefaultLifetime;  ///< `lt`, s
  Lwm2mVersion version = Lwm2mVersion::v1_0;  ///< `lwm2m`
  bool queues = false;                        ///< queue mode: `b=UQ` (1.0) or `Q` (1.1)
  friend bool operator==(const RegistrationQuery&, const RegistrationQuery&) = default;
};

/// What an Update changes. Nothing: as it was.
struct UpdateQuery {
  std::optional<std::uint32_t> lifetime{};  ///< s
  std::optional<bool> queues{};             ///< said by `b` or `Q`
  friend bool operator==(const UpdateQuery&, const UpdateQuery&) = default;
};

/// Errc::invalid (4.00): a value is malformed, out of its bounds or there twice. Errc::unsupported (4.12 Precondition
/// Failed): a version of LwM2M that we do not speak. Without `lwm2m` it is 1.0, where `ep` must be said.
Result<RegistrationQuery> registration_query_from(const std::vector<std::string>& query);

/// Errc::invalid as above.
Result<UpdateQuery> update_query_from(const std::vector<std::string>& query);

/// Whether this may be the name of a child: 1 to kLongestEndpoint bytes of UTF-8 without control characters.
bool is_endpoint(std::string_view name);

}  // namespace hg::coap
