// SPDX-License-Identifier: Apache-2.0
// The registration interface (OMA-TS-LightweightM2M_Core section 6.2, coap.md 1.1): who may register as whom, and what
// a link is called for it. The only Lwm2mServer. It asks children nothing: what follows from a message is done in the
// next turn of the loop, when its answer has left.
#pragma once

#include "coap/lwm2m_rousing.hpp"
#include "coap/lwm2m_server.hpp"
#include "coap/lwm2m_strangers.hpp"
#include "coap/lwm2m_surroundings.hpp"
#include "coap/registry.hpp"

namespace hg::coap {

class RegistrationInterface final : public Lwm2mServer {
 public:
  explicit RegistrationInterface(Parts parts);
  RegistrationInterface(const RegistrationInterface&) = delete;
  RegistrationInterface& operator=(const RegistrationInterface&) = delete;
  ~RegistrationInterface() override;

  void use(Server& server) override;
  std::shared_ptr<ChildSteps> enroll(const std::string& child, const std::string& endpoint,
                                     const Profile& profile) override;
  void forget(const std::string& child) override;
  void expect(const std::string& child, plugin::LinkKeyKind kind, const std::string& identity,
              const Digest& certificate) override;

  Outgoing receive(const std::shared_ptr<Peer>& from, const Incoming& request) override;
  void heard(const std::shared_ptr<Peer>& peer) override;
  void lost(const std::shared_ptr<Peer>& peer, std::string why) override;

 private:
  using Shared = std::shared_ptr<Peer>;

  Outgoing registers(const Shared& from, const Incoming& request);
  Outgoing updates(const Shared& from, const Incoming& request, Enrolled& enrolled);
  Outgoing leaves(Enrolled& enrolled);

  /// Nothing: it may. Else the answer that says no.
  std::optional<Outgoing> refusal(const Shared& from, Enrolled& enrolled);
  void take(Enrolled& enrolled, const Shared& from, Registration registration, bool is_new);
  /// It speaks from there now.
  void settle(Enrolled& enrolled, const Shared& from, Registration registration, bool is_new);
  void adopt(Enrolled& enrolled, const Shared& peer);
  void note_alternation(Enrolled& enrolled, const std::string& from);
  void revive(Enrolled& enrolled);
  void drop(Enrolled& enrolled, std::string why);
  void leave(Enrolled& enrolled, std::string why);

  [[nodiscard]] wire::Link link_of(const Enrolled& enrolled) const;
  void report(Enrolled& enrolled);
  /// In the next turn of the loop, by its name: it may be forgotten by then.
  void report_later(const std::string& child);
  void forget_observations_later(const Shared& peer);
  /// Expiry, sleep and the end of flapping, as they fall due.
  SteadyTime pass_time();
  void plan(SteadyTime due);

  Parts parts_;
  std::shared_ptr<Surroundings> around_;
  RegistrationStore store_;
  Registry registry_;
  Strangers strangers_;
  std::optional<Rousing> rousing_;
  std::shared_ptr<Bell> due_bell_;
  SteadyTime due_ = SteadyTime::max();
  std::shared_ptr<RegistrationInterface*> self_;  // null inside: it has gone
};

}  // namespace hg::coap
