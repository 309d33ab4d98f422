// SPDX-License-Identifier: Apache-2.0
// What the cloud adapters need to know, as app makes it from the configuration and the credentials. Files are read
// when a connection is made, so that a renewed certificate needs no restart.
#pragma once

#include <string>
#include <string_view>

#include "base/time.hpp"

namespace hg::cloud {

/// A secret text that is overwritten when its owner goes. Neither printed nor compared.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : text_(text) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret&) = delete;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] const std::string& reveal() const { return text_; }

 private:
  std::string text_;
};

/// Who is believed, and as whom we show ourselves. Paths of PEM files.
struct Identity {
  std::string ca_file = "/etc/ssl/certs/ca-certificates.crt";
  std::string certificate_file;  ///< with its chain; empty: no client certificate
  std::string private_key_file;
};

struct Broker {
  std::string url;  ///< "mqtts://host[:port]", port 8883 if not given
  std::string topic;
  std::string client_id;  ///< stays the same over restarts: the broker keeps the subscription under it
  Identity identity;
  std::string username;  ///< empty: none
  Secret password;
  Duration connect_timeout{std::chrono::seconds{30}};  ///< whole seconds; TCP, TLS and MQTT together
  Duration keep_alive{std::chrono::seconds{60}};       ///< whole seconds
  Duration first_pause{std::chrono::seconds{1}};       ///< before the second attempt; doubles
  Duration longest_pause{std::chrono::minutes{2}};
};

struct Fetching {
  Identity identity;
  std::string pinned_public_key;  ///< "sha256//<base64>[;sha256//...]" as curl has it; empty: none
  Duration connect_timeout{std::chrono::seconds{30}};
  unsigned minimum_bytes_per_second = 128;
  Duration patience{std::chrono::seconds{60}};  ///< slower than the minimum for so long is given up; whole seconds
  std::string user_agent = "headgate";
};

}  // namespace hg::cloud
