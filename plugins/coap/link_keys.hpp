// SPDX-License-Identifier: Apache-2.0
// The keys of the children, by child and by the identity that a handshake names. Filled by libcoap_server, which asks
// it from within libcoap's synchronous callback.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sdk/link_key.hpp"

namespace hg::coap {

class LinkKeys {
 public:
  /// `key` of kind none takes it away. The result: the key that holds no longer; nothing if it is the same as before.
  std::optional<plugin::LinkKey> set(const std::string& child, plugin::LinkKey key);

  /// Null: nobody has a PSK by this name.
  [[nodiscard]] const plugin::LinkKey* by_identity(std::string_view identity) const;
  /// Null: this child has no PSK.
  [[nodiscard]] const plugin::LinkKey* psk_of(const std::string& child) const;

 private:
  std::map<std::string, plugin::LinkKey, std::less<>> keys_;  // by child
  std::map<std::string, std::string, std::less<>> children_by_identity_;
};

}  // namespace hg::coap
