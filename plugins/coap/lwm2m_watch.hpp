// SPDX-License-Identifier: Apache-2.0
// Where a child's update stands, as it changes: State and Result are observed, and read all the same, because a child
// may change one without telling (coap.md 0.7). Observations are made anew with every registration and forgotten with
// the watch. Pull, push and activation have one each.
#pragma once

#include "coap/lwm2m_access.hpp"

namespace hg::coap {

class Watch {
 public:
  /// `poll`: how long it may go without being read.
  Watch(Access& access, ResourcePath instance, Milliseconds poll);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  /// As it stands now, at once the first time; then when the child tells of a change, registers, or was not read for
  /// long. Nothing: `until` has come before. Errors: Errc::cancelled, and what no waiting mends.
  boost::asio::awaitable<Result<std::optional<Standing>>> next(SteadyTime until);

  /// A change is due: it is read soon, and then ever more seldom.
  void hurry();

 private:
  struct Told {
    std::shared_ptr<Bell> bell;
    bool is_due = true;
  };
  boost::asio::awaitable<void> observe(SteadyTime until);

  Access* access_;
  ResourcePath instance_;
  Milliseconds poll_;
  Milliseconds between_;
  std::shared_ptr<Told> told_;
  std::shared_ptr<Peer> observed_;
  unsigned registrations_ = 0;
  SteadyTime last_{};
};

}  // namespace hg::coap
