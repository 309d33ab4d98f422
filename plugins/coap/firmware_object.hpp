// SPDX-License-Identifier: Apache-2.0
// Object 5, Firmware Update (OMA registry, 1.0 to 1.2), and object 33629, Advanced Firmware Update, of which each
// instance is a component: where an update stands, and what a Result means. Called by lwm2m.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coap/resource.hpp"

namespace hg::coap {

/// Resource ids, the same in both objects.
namespace firmware {
inline constexpr std::uint16_t kPackage = 0;
inline constexpr std::uint16_t kPackageUri = 1;
inline constexpr std::uint16_t kUpdate = 2;
inline constexpr std::uint16_t kState = 3;
inline constexpr std::uint16_t kResult = 5;
inline constexpr std::uint16_t kPackageName = 6;
inline constexpr std::uint16_t kPackageVersion = 7;
inline constexpr std::uint16_t kProtocols = 8;
inline constexpr std::uint16_t kDelivery = 9;
inline constexpr std::uint16_t kCancel = 10;
inline constexpr std::uint16_t kSeverity = 11;
inline constexpr std::uint16_t kLastStateChange = 12;
inline constexpr std::uint16_t kMaximumDefer = 13;
inline constexpr std::uint16_t kAutomatic = 14;       // of object 5, 1.2
inline constexpr std::uint16_t kComponent = 14;       // of object 33629
inline constexpr std::uint16_t kCurrentVersion = 15;  // and these
inline constexpr std::uint16_t kLinked = 16;
inline constexpr std::uint16_t kConflicting = 17;
}  // namespace firmware

/// Resource 3.
enum class FirmwareState : std::uint8_t { idle, downloading, downloaded, updating };
std::string_view text_of(FirmwareState state);

/// Resource 5. A child may say one that is not here.
enum class UpdateResult : std::uint8_t {
  initial,
  success,
  no_flash,
  no_ram,
  connection_lost,
  integrity_failure,
  unsupported_package,
  invalid_uri,
  update_failed,
  unsupported_protocol,
  cancelled,
  deferred,
  conflicting_state,
  dependency_error,
};

/// Resource 8: what a child pulls by. Others that it names are left out.
enum class PullProtocol : std::uint8_t { coap, coaps, http, https, coap_tcp, coap_tls };

/// Resource 9.
enum class DeliveryMethod : std::uint8_t { pull, push, both };

struct Firmware {
  std::uint16_t object = 0;
  std::uint16_t instance = 0;
  FirmwareState state = FirmwareState::idle;
  UpdateResult result = UpdateResult::initial;
  std::string uri{};
  std::string package_name{};
  std::string package_version{};
  std::vector<PullProtocol> protocols{PullProtocol::coap};  ///< coap alone where the child names none
  bool names_protocols = false;
  DeliveryMethod delivery = DeliveryMethod::both;
  std::optional<std::uint8_t> severity{};           ///< 0 critical, 1 mandatory, 2 optional
  std::optional<std::int64_t> last_state_change{};  ///< s of Unix time
  std::optional<std::uint32_t> maximum_defer{};     ///< s
  std::optional<bool> automatic{};                  ///< object 5: installs what it has downloaded by itself
  std::string component{};                          ///< object 33629, as those below
  std::string current_version{};
  std::vector<ObjectLink> linked{};
  std::vector<ObjectLink> conflicting{};

  /// Whether it may be told to pull by that protocol, or to take what is pushed.
  [[nodiscard]] bool pulls_by(PullProtocol protocol) const;
  [[nodiscard]] bool takes_push() const { return delivery != DeliveryMethod::pull; }
};

/// `object` is 5 or 33629. Errc::not_found: nothing of that instance was said; Errc::invalid: State or Result is
/// missing, or a value is out of its range.
Result<Firmware> firmware_from(const Resources& resources, std::uint16_t object, std::uint16_t instance);

/// State and Result as they come one by one.
Result<FirmwareState> firmware_state_from(const Value& value);
Result<UpdateResult> update_result_from(const Value& value);

/// What a Result is called and what to do about it; nothing for initial and success. Errc::no_space (2, 3),
/// unavailable (4), mismatch (5), unsupported (6, 9, and any that is not known), invalid (7), io (8), denied (10:
/// somebody at the child has cancelled it; our own cancel is known to who sent it), busy (11, 12), guard_failed (13).
std::optional<Error> cause_of(UpdateResult result);

/// Arguments of an Execute of 33629/x/2 (section 1.7 of its description): none: "0", only this instance; else exactly
/// these: "0='</33629/1>,</33629/2>'".
std::string execute_arguments(const std::vector<std::uint16_t>& instances);

}  // namespace hg::coap
