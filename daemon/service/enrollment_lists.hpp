// SPDX-License-Identifier: Apache-2.0
// What becomes of a signed enrollment list: its children are registered with their keys and put into their groups, and
// those that it takes away are forgotten. All of it must make sense before any of it is done. Whether its signers may
// say so was judged before; the configuration goes before any list. Called by trust_records.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ports/clock.hpp"
#include "ports/journal.hpp"
#include "ports/key_safe.hpp"
#include "service/driver.hpp"
#include "service/roster.hpp"
#include "trust/enrollment_list.hpp"

namespace hg::service {

class EnrollmentLists {
 public:
  /// `safe`: null if this gateway has no key of its own; then lists with keys are refused.
  EnrollmentLists(Driver& driver, Roster& roster, ports::Clock& clock, ports::Journal& journal, ports::KeySafe* safe)
      : driver_(driver), roster_(roster), clock_(clock), journal_(journal), safe_(safe) {}

  /// Returns when all of it is durable. A child that could not be enrolled, or forgotten, is named; the others are as
  /// the list says, and the list may come again. Errc::busy: another one is being taken; side by side an older one
  /// could undo what a newer one has said of a key.
  [[nodiscard]] boost::asio::awaitable<Result<void>> take(trust::EnrollmentList list, std::string signers);

 private:
  using Newcomer = std::pair<core::Registration, core::ChildKeys>;

  boost::asio::awaitable<Result<void>> take_alone(trust::EnrollmentList list, std::string signers);
  [[nodiscard]] Result<void> check_memberships(const trust::EnrollmentList& list) const;
  [[nodiscard]] boost::asio::awaitable<Result<std::vector<Newcomer>>> read(trust::EnrollmentList list,
                                                                           std::string signers) const;
  [[nodiscard]] boost::asio::awaitable<Result<core::ChildKeys>> keys_of(trust::ListedChild child) const;
  boost::asio::awaitable<Result<void>> apply(const trust::EnrollmentList& list, std::vector<Newcomer> newcomers);
  boost::asio::awaitable<Result<void>> form_groups(const trust::EnrollmentList& list);

  Driver& driver_;
  Roster& roster_;
  ports::Clock& clock_;
  ports::Journal& journal_;
  ports::KeySafe* safe_;
  std::shared_ptr<bool> taking_ = std::make_shared<bool>(false);
};

}  // namespace hg::service
