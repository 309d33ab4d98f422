// SPDX-License-Identifier: Apache-2.0
// The LwM2M server (registration interface, coap.md 1.1): answers /rd, keeps who is registered and under which peer,
// tells links and strangers, and makes the steps of each enrolled child. It remembers registrations over a restart in
// the state directory. Made by coap_driver, which hands it requests that are its own.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <filesystem>

#include "coap/child_steps.hpp"
#include "coap/clock.hpp"
#include "coap/profile.hpp"
#include "coap/server.hpp"

namespace hg::coap {

class Lwm2mServer : public Inlet {
 public:
  struct Parts {
    boost::asio::any_io_executor executor;
    plugin::LinkReport report;
    plugin::MeetingReport meet;
    plugin::Log log;
    std::filesystem::path state;   ///< empty: nothing is remembered
    std::string public_address{};  ///< "gateway.example" or with a port, for package URIs; empty: as the child sees us
    std::shared_ptr<Clock> clock{};  ///< null: steady_clock()
  };
  static std::unique_ptr<Lwm2mServer> make(Parts parts);

  /// Before anything else, once; outlives this.
  virtual void use(Server& server) = 0;

  /// Again for the same child: with these values instead. Its steps may be used until close().
  virtual std::shared_ptr<ChildSteps> enroll(const std::string& child, const std::string& endpoint,
                                             const Profile& profile) = 0;
  virtual void forget(const std::string& child) = 0;

  /// Whether the child has a key now, and by what name: then it registers with it or not at all (4.03), and what comes
  /// under another one of these is not this child.
  virtual void expect(const std::string& child, plugin::LinkKeyKind kind, const std::string& identity,
                      const Digest& certificate) = 0;
};

}  // namespace hg::coap
