// SPDX-License-Identifier: Apache-2.0
// A registration as a value, and its small file in the plugin's state directory: after a restart a child goes on with
// its old location, and need not register anew. lwm2m_server keeps one for each enrolled child that has registered.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "coap/link_format.hpp"
#include "coap/registration_query.hpp"

namespace hg::coap {

struct Registration {
  std::string endpoint{};
  std::uint64_t location = 0;                 ///< of "/rd/LOCATION", by chance
  std::uint32_t lifetime = kDefaultLifetime;  ///< s
  Lwm2mVersion version = Lwm2mVersion::v1_0;
  bool queues = false;
  bool is_secured = false;  ///< it came over DTLS
  std::string address{};    ///< where it came from last: "192.0.2.7:5683"
  ObjectList objects{};
  friend bool operator==(const Registration&, const Registration&) = default;
};

/// 16 hexadecimal digits, and back.
std::string location_text(std::uint64_t location);
std::optional<std::uint64_t> location_from(std::string_view text);

class RegistrationStore {
 public:
  /// An empty path: nothing is remembered.
  explicit RegistrationStore(std::filesystem::path directory) : directory_(std::move(directory)) {}
  /// Nothing when there is no file, or one that is not wholly understood.
  [[nodiscard]] std::optional<Registration> load(const std::string& child) const;
  void save(const std::string& child, const Registration& registration) const;
  void remove(const std::string& child) const;

 private:
  [[nodiscard]] std::filesystem::path file_of(const std::string& child) const;
  std::filesystem::path directory_;
};

}  // namespace hg::coap
