// SPDX-License-Identifier: Apache-2.0
// The enrolled children and by what they are found: endpoint, location, peer, and the key that is theirs. A table: what
// follows from a registration is lwm2m_server's, which owns it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "coap/child_steps.hpp"
#include "coap/lwm2m_brought.hpp"
#include "coap/lwm2m_contact.hpp"
#include "sdk/link_key.hpp"

namespace hg::coap {

/// What a peer has proven to be by its handshake: "psk:" and the identity, "cert:" and the hex digest; empty: nothing.
std::string credential_of(const Proof& proof);

struct Enrolled {
  std::string child;
  std::string endpoint;
  std::shared_ptr<Contact> contact;
  std::shared_ptr<ChildSteps> steps;
  std::shared_ptr<BroughtImages> brought;
  SteadyTime expires{};  ///< of its registration
  wire::Link link{};     ///< as reported last
  bool is_reported = false;
  Milliseconds grace{};
  std::string address_before{};  ///< where it was registered before the last replacement, and until when that matters
  SteadyTime replaced{};
  SteadyTime flaps_until{};  ///< two take its place in turn
};

class Registry {
 public:
  /// Nothing: another child has this endpoint.
  Enrolled* enroll(const std::string& child, const std::string& endpoint);
  void forget(const std::string& child);

  [[nodiscard]] Enrolled* by_child(const std::string& child);
  [[nodiscard]] Enrolled* by_endpoint(std::string_view endpoint);
  [[nodiscard]] Enrolled* by_location(std::uint64_t location);
  [[nodiscard]] Enrolled* by_peer(const Peer* peer);
  /// Remembered as registered from there, and not heard since.
  [[nodiscard]] Enrolled* by_silent_address(const std::string& address);

  /// Empty: it has no key.
  void set_credential(const std::string& child, std::string credential);
  /// Empty: none.
  [[nodiscard]] std::string credential_of_child(const std::string& child) const;
  /// Whose key that is; empty: nobody's.
  [[nodiscard]] std::string child_of_credential(const std::string& credential) const;

  /// After its registration or its peer has changed.
  void index(Enrolled& enrolled);
  /// Before that.
  void unindex(const Enrolled& enrolled);

  [[nodiscard]] std::map<std::string, Enrolled>& all() { return children_; }
  [[nodiscard]] bool has_silent() const { return silent_ != 0; }

 private:
  std::map<std::string, Enrolled> children_;
  std::map<std::string_view, Enrolled*> by_endpoint_;  // views into children_
  std::unordered_map<std::uint64_t, Enrolled*> by_location_;
  std::unordered_map<const Peer*, Enrolled*> by_peer_;
  std::unordered_map<std::string, Enrolled*> by_silent_address_;
  std::map<std::string, std::string> credentials_;  // by child
  std::map<std::string, std::string> owners_;       // the other way round
  std::size_t silent_ = 0;                          // registrations without a peer
};

}  // namespace hg::coap
