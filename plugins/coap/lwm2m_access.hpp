// SPDX-License-Identifier: Apache-2.0
// Reading, writing and executing what a child's objects have, in whichever format it takes (coap.md 1.3, 1.4). What
// the values mean is told by firmware_object and device_object; which to ask for, by inspection, watch and the steps.
#pragma once

#include "coap/firmware_object.hpp"
#include "coap/lwm2m_contact.hpp"

namespace hg::coap {

/// Where an update stands: State and Result, which only together say it.
struct Standing {
  FirmwareState state = FirmwareState::idle;
  UpdateResult result = UpdateResult::initial;
  friend bool operator==(const Standing&, const Standing&) = default;
};
/// "State 2 (downloaded), Result 0"
std::string text_of(const Standing& standing);

class Access {
 public:
  explicit Access(std::shared_ptr<Contact> contact) : contact_(std::move(contact)) {}

  /// An instance whole, as TLV or SenML-CBOR; from a child that gives neither, or is silent, `wanted` one by one as
  /// text. What it does not have is left out. Errc::not_found: it has no such instance.
  boost::asio::awaitable<Result<Resources>> read(ResourcePath instance, std::vector<std::uint16_t> wanted,
                                                 SteadyTime deadline);
  /// One resource as text, or in whatever format it is given. Nothing: the child does not have it, or may not say it.
  boost::asio::awaitable<Result<std::optional<Value>>> read_one(ResourcePath resource, SteadyTime deadline);
  boost::asio::awaitable<Result<Standing>> standing(ResourcePath instance, SteadyTime deadline);
  /// Writes again if it must. Errc::unsupported: it does not have it, or it cannot be written.
  boost::asio::awaitable<Result<void>> write(ResourcePath resource, Value value, SteadyTime deadline);
  /// Never again. Errors: as Contact::ask_once(), and those of error_of().
  boost::asio::awaitable<Result<void>> execute(ResourcePath resource, std::string arguments, SteadyTime deadline);

  [[nodiscard]] Contact& contact() const { return *contact_; }
  [[nodiscard]] const std::shared_ptr<Contact>& shared_contact() const { return contact_; }

 private:
  [[nodiscard]] std::string root() const;
  boost::asio::awaitable<Result<Answer>> get(ResourcePath path, Format accept, SteadyTime deadline);
  boost::asio::awaitable<Result<Answer>> first_get(ResourcePath path, Format accept, SteadyTime deadline);

  std::shared_ptr<Contact> contact_;
  std::optional<Format> whole_{};    // in which the child gave instances
  bool only_singly_ = false;         // it gives none
  unsigned since_registration_ = 0;  // both
};

/// A code that is no success: Errc::not_found, unsupported (4.05, 4.06, 4.15, 5.01), denied, busy (4.29, 5.03),
/// too_large, mismatch. `doing`: "4.05 Method Not Allowed" follows.
Error error_of(const Answer& answer, std::string_view doing);

}  // namespace hg::coap
