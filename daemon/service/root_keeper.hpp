// SPDX-License-Identifier: Apache-2.0
// Which root of trust is in force, and by what time it judges. At start and at reload it chooses between what the
// administrator put in place and what the catalogue has: the newest that the one before it vouches for. A successor
// that comes in later takes over once it is durable. Made by gateway; ingest and trust_records judge by its
// authority().
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ports/clock.hpp"
#include "ports/control.hpp"
#include "ports/journal.hpp"
#include "service/driver.hpp"
#include "trust/authority.hpp"

namespace hg::service {

/// What the administrator put in place.
struct TrustSource {
  std::string root_name;                ///< path of the root file, for people; empty: there is none
  Result<Bytes> root = Bytes{};         ///< its content, or why it cannot be read
  std::vector<trust::Key> author_keys;  ///< without a root file: who may sign deliverables
};

class RootKeeper {
 public:
  RootKeeper(Driver& driver, const cose::RingMaker& rings, ports::Clock& clock, ports::Journal& journal);

  /// At start, after Driver::recover(), and at reload. An error says that nothing changed: at start there is no root
  /// then. A root file that is refused beside a root in the catalogue is no error but a line in the journal.
  Result<void> choose(const TrustSource& source);

  /// The root in force. Not to be kept over a suspension: another may take over.
  [[nodiscard]] const trust::Authority& authority() const { return *authority_; }
  /// How often another one took over; what was judged before that must be judged again.
  [[nodiscard]] std::uint64_t reign() const { return reign_; }

  [[nodiscard]] trust::TrustedTime time() const;

  /// A root record that came in; returns when it is durable and in force. Errc::exists: it is already. Errc::busy:
  /// another one is being written down.
  [[nodiscard]] boost::asio::awaitable<Result<void>> succeed(Bytes record);

  /// For people.
  [[nodiscard]] ports::Trust show() const;

 private:
  Result<void> choose_author_keys(const TrustSource& source);
  Result<void> choose_first(const TrustSource& source);
  void consider(const TrustSource& source);
  [[nodiscard]] Result<std::unique_ptr<trust::Authority>> newer_than_ours(const TrustSource& source) const;
  void put_in_force(std::unique_ptr<trust::Authority> authority);
  void say_in_force(const std::string& where) const;

  Driver& driver_;
  const cose::RingMaker& rings_;
  ports::Clock& clock_;
  ports::Journal& journal_;
  std::unique_ptr<trust::Authority> authority_;
  std::uint64_t reign_ = 0;
  bool succeeding_ = false;  // one at a time, so that each is judged by the one before it
};

}  // namespace hg::service
