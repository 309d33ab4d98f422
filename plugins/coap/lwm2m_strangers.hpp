// SPDX-License-Identifier: Apache-2.0
// Endpoints that tried to register and are nobody's: said once as Discovered, again when they say something else of
// themselves, and as Vanished when their lifetime is over. lwm2m_server meets them; they get 4.03 and nothing more.
#pragma once

#include <map>
#include <string>

#include "coap/exchange.hpp"
#include "coap/registration_store.hpp"

namespace hg::coap {

/// What a stranger with this endpoint would be enrolled as: wire::is_name(), the endpoint itself where that is one.
std::string name_of_endpoint(const std::string& endpoint);

class Strangers {
 public:
  explicit Strangers(plugin::MeetingReport meet) : meet_(std::move(meet)) {}

  /// Beyond wire::kMaxStrangers nobody new is met.
  void met(const Registration& as, SteadyTime gone_at);
  /// It is somebody's now.
  void known(const std::string& endpoint);
  /// Says who has vanished. When to be called next: SteadyTime::max() for never.
  SteadyTime expire(SteadyTime now);

 private:
  struct Stranger {
    std::string text;
    SteadyTime gone_at;
  };
  plugin::MeetingReport meet_;
  std::map<std::string, Stranger> strangers_;  // by name
};

}  // namespace hg::coap
