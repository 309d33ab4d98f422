// SPDX-License-Identifier: Apache-2.0
// What the administrator wants, as values: read from headgate.toml, its drop-ins and the profiles that its children
// name, with every key checked. config/headgate.toml documents each key. Read by main, at start and at reload.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "app/profile.hpp"
#include "base/error.hpp"
#include "core/model.hpp"

namespace hg::app {

struct PluginBinding {
  std::string transport;
  uid_t uid = 0;
};

struct CloudConfig {
  std::string broker;  ///< empty: none
  std::string topic;
  std::string client_id;
  std::filesystem::path ca_file;
  std::string username;
  std::string password_credential;
  std::filesystem::path certificate_file;
  std::string private_key_credential;
};

struct TrustConfig {
  std::filesystem::path root;     ///< the administrator's first root file; empty: `anchors`
  std::filesystem::path anchors;  ///< a directory of PEM public keys
  bool require_head = false;
  bool hold_when_expired = true;
};

/// This gateway's keys (docs/keys.md); without one of its own it opens nothing and keeps no secrets.
struct KeysConfig {
  std::string gateway_credential;  ///< holds the private key in PEM
  std::string gateway_key;         ///< or where OpenSSL finds it: "handle:0x81000001"
  std::string openssl_provider;    ///< that knows such an address: "tpm2"
  std::string shared_credential;   ///< holds a key that it shares with vendors, for ENC_KW and AES-KW; empty: none

  [[nodiscard]] bool has_own() const { return !gateway_credential.empty() || !gateway_key.empty(); }
};

/// SUIT's update priorities up to which an update is urgent; smaller is more urgent.
struct UrgencyConfig {
  std::int64_t emergency = 0;
  std::int64_t major = 0;
};

/// A discovered child that claims this vendor and class on this transport is enrolled by itself.
struct EnrollPolicy {
  std::string name;
  std::string transport;
  core::Uuid vendor{};
  core::Uuid device_class{};
  std::string profile;
  std::vector<core::Target> targets;
};

struct Config {
  std::filesystem::path state;
  std::filesystem::path cache;
  std::filesystem::path runtime;
  std::filesystem::path import;  ///< envelopes and trust records may be dropped here; empty: nowhere
  ProfileDirectories profile_directories;
  TrustConfig trust;
  UrgencyConfig urgency;
  KeysConfig keys;
  std::uint64_t cache_limit_bytes = 0;
  CloudConfig cloud;
  std::uint64_t minimum_bytes_per_second = 0;
  unsigned fetch_attempts = 0;
  bool same_host_only = false;
  std::string plugin_group;  ///< owns plugins.sock; empty: the daemon's own
  std::vector<PluginBinding> plugins;
  std::vector<core::Enrollment> children;
  std::vector<EnrollPolicy> enroll_policies;  ///< the first that fits takes the child
  std::vector<core::Layout> layouts;
  std::vector<core::Group> groups;                  ///< each whole, and of one of `layouts`
  std::map<std::string, TransportTables> profiles;  ///< by name: what they say to plugins
};

inline constexpr std::size_t kMostTargets = 16;    ///< of a child
inline constexpr std::size_t kLongestTarget = 64;  ///< name of a component
inline constexpr std::uint8_t kMostImage = 15;     ///< image number

/// Errors: Errc::invalid with "file:line:column: what", Errc::not_found for a missing file or profile.
Result<Config> read_config(const std::filesystem::path& path);

}  // namespace hg::app
