// SPDX-License-Identifier: Apache-2.0
// Asking a child that is silent to say a word, at the address from which it registered: by its Registration Update
// Trigger (/1/x/8). Of a child that a broken push has silenced (coap.md 0.4), and of those that an earlier process has
// served, which would else be silent until their next Update. Called by lwm2m_push and lwm2m_registration.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "coap/lwm2m_contact.hpp"
#include "coap/lwm2m_surroundings.hpp"

namespace hg::coap {

/// Whether it has answered by then; also false for one that has no server object. `contact` outlives the call.
boost::asio::awaitable<bool> ask_to_register(std::shared_ptr<Surroundings> around, Contact* contact, std::string child,
                                             SteadyTime deadline);

class Rousing {
 public:
  Rousing(boost::asio::any_io_executor executor, std::shared_ptr<Surroundings> around, std::shared_ptr<Clock> clock);

  /// Asks it once, a few children at a time and those that were added first before others; not one that has spoken
  /// meanwhile, that sleeps, or that only its own handshake can bring back (DTLS).
  void add(std::string child, std::shared_ptr<Contact> contact, Milliseconds patience);

 private:
  struct Silent {
    std::string child;
    std::weak_ptr<Contact> contact;
    Milliseconds patience;
  };
  struct Queue {
    std::shared_ptr<Surroundings> around;
    std::shared_ptr<Clock> clock;
    std::deque<Silent> silent;
    unsigned asking = 0;
  };
  static boost::asio::awaitable<void> ask_all(std::shared_ptr<Queue> queue);

  boost::asio::any_io_executor executor_;
  std::shared_ptr<Queue> queue_;
};

}  // namespace hg::coap
