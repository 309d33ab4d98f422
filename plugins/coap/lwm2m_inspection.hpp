// SPDX-License-Identifier: Apache-2.0
// What a child shows of itself and of its update, and when that can be believed: not while an order of ours may still
// take effect, nor while it downloads what did not come from here. Its word is joined with what is remembered of what
// was brought to it. The steps look through it before and after everything they do.
#pragma once

#include <map>

#include "coap/device_object.hpp"
#include "coap/lwm2m_access.hpp"
#include "coap/lwm2m_brought.hpp"

namespace hg::coap {

/// One image number: an instance of object 33629 or 5.
struct Part {
  std::uint8_t image = 0;
  ResourcePath instance{};
  Firmware firmware{};
  std::string version{};     ///< of what runs, as the profile's evidence says it; for `result` whatever it tells
  Digest active{};           ///< of what runs
  Digest standby{};          ///< of what it holds in State 2, if that was brought from here
  bool is_deferred = false;  ///< it was told to install, and puts it off
  SteadyTime deferred_until{};

  [[nodiscard]] Standing standing() const { return {firmware.state, firmware.result}; }
};
struct Sight {
  std::optional<Device> device{};
  std::vector<Part> parts{};      ///< ascending
  bool installs_at_once = false;  ///< what it has downloaded, without being told

  [[nodiscard]] const Part* part(std::uint8_t image) const;
};

class Inspection {
 public:
  Inspection(std::shared_ptr<Contact> contact, std::shared_ptr<BroughtImages> brought, std::string endpoint,
             Profile profile);

  /// When nothing can still change by itself. Errc::busy with what it is about, shortly before the deadline;
  /// Errc::unsupported: it lists no object to update by, or not what the profile's evidence needs; errors of Access.
  boost::asio::awaitable<Result<Sight>> settled(SteadyTime deadline);
  /// As it is now.
  boost::asio::awaitable<Result<Sight>> look(SteadyTime deadline);
  [[nodiscard]] wire::Seen seen(const Sight& sight) const;

  /// An Execute is about to be sent, now: it may take effect until it has been seen what came of it.
  void expect_execution(std::uint8_t image);
  /// Back to State 0: cancels a download or throws away what was downloaded. Errc::busy: it does not let go.
  boost::asio::awaitable<Result<void>> withdraw(ResourcePath instance, SteadyTime deadline);

  /// Why an update failed: the Result by its name and number, and with 12 and 13 the instances that the child names.
  boost::asio::awaitable<Error> failure(ResourcePath instance, UpdateResult result);

  [[nodiscard]] Access& access() { return access_; }
  [[nodiscard]] BroughtImages& brought() { return *brought_; }
  [[nodiscard]] const Profile& profile() const { return profile_; }
  [[nodiscard]] Clock& clock() const { return access_.contact().clock(); }

 private:
  [[nodiscard]] Result<std::vector<ResourcePath>> instances() const;
  boost::asio::awaitable<Result<Part>> look_at(ResourcePath instance, std::string device_version, SteadyTime deadline);
  boost::asio::awaitable<Result<bool>> installs_at_once(Part part, SteadyTime deadline);
  void note(Part& part, bool at_once);
  /// Whether resource 7 says what runs.
  [[nodiscard]] bool is_told_by_package(const ResourcePath& instance) const;
  [[nodiscard]] std::string running_package(const Part& part) const;
  [[nodiscard]] bool is_ours(const Part& part) const;
  [[nodiscard]] Digest active_of(const Part& part, const Brought& brought) const;
  /// Why the part may still change by itself; empty: it does not.
  [[nodiscard]] std::string pending(const Part& part) const;
  [[nodiscard]] SteadyTime executed_at(std::uint8_t image) const;
  [[nodiscard]] std::string about() const;

  Access access_;
  std::shared_ptr<BroughtImages> brought_;
  std::string endpoint_;
  Profile profile_;
  SteadyTime begun_;                             // what an earlier process sent was sent before
  std::map<std::uint8_t, SteadyTime> executed_;  // by image number
};

/// The named cause of a failed update, with the number that the child said.
Error failed_with(UpdateResult result);
bool is_failed(UpdateResult result);

}  // namespace hg::coap
