// SPDX-License-Identifier: Apache-2.0
// headgatectl's side of the bus: calls that wait for their answer, and signals that are waited for. Everything that
// comes back is turned into JSON values, which is what the rest of the program works on. The names of errors on the
// bus become Errc here, and nowhere else.
#pragma once

#include <systemd/sd-bus.h>

#include <boost/json/value.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"

namespace hg::ctl {

inline constexpr const char* kBusName = "org.headgate.Headgate1";
inline constexpr const char* kRootPath = "/org/headgate/Headgate1";
inline constexpr const char* kManagerPath = "/org/headgate/Headgate1/Manager";
inline constexpr const char* kManager = "org.headgate.Headgate1.Manager";
inline constexpr const char* kTrustPath = "/org/headgate/Headgate1/Trust";
inline constexpr const char* kTrust = "org.headgate.Headgate1.Trust";
inline constexpr const char* kChild = "org.headgate.Headgate1.Child";
inline constexpr const char* kGroup = "org.headgate.Headgate1.Group";
inline constexpr const char* kDeliverable = "org.headgate.Headgate1.Deliverable";
inline constexpr const char* kRollout = "org.headgate.Headgate1.Rollout";
inline constexpr const char* kJob = "org.headgate.Headgate1.Job";
inline constexpr const char* kObjectManager = "org.freedesktop.DBus.ObjectManager";
inline constexpr const char* kProperties = "org.freedesktop.DBus.Properties";

using SteadyTime = std::chrono::steady_clock::time_point;

/// A signal of headgate, or of the bus about headgate's name.
struct Signal {
  std::string path;
  std::string member;
  boost::json::array arguments;
};

class Client {
 public:
  /// `where` is "system", "session" or a D-Bus address; nothing is waited for after `deadline`.
  static Result<std::unique_ptr<Client>> open(const std::string& where, std::optional<SteadyTime> deadline);

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  using Fill = std::function<int(sd_bus_message*)>;
  /// Calls a method of headgate and waits for the answer: its arguments. A person may be asked for a password.
  Result<boost::json::array> call(const std::string& path, const char* interface, const char* member,
                                  const Fill& fill = {});

  /// From now on signals are kept for next_signal().
  Result<void> listen();
  /// The next signal; nothing when none came until `until`. Errc::timed_out after the deadline, Errc::unavailable when
  /// the bus or the daemon went away.
  Result<std::optional<Signal>> next_signal(SteadyTime until);

 private:
  Client(sd_bus* bus, std::optional<SteadyTime> deadline) : bus_(bus), deadline_(deadline) {}
  [[nodiscard]] std::uint64_t patience_us() const;
  static int on_signal(sd_bus_message* message, void* self, sd_bus_error* error);

  sd_bus* bus_;
  std::optional<SteadyTime> deadline_;
  std::optional<Signal> arrived_;
  bool daemon_left_ = false;
};

}  // namespace hg::ctl
