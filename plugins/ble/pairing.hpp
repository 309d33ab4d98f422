// SPDX-License-Identifier: Apache-2.0
// The bond with one connected child: whether there has to be one, whether there is, and the making of it. A bond is
// only believed in when bluetoothd says Bonded (BlueZ 5.66 answers a Pair() that encrypted nothing with success), and a
// bond by passkey only when the passkey was asked for. What the child does without a bond is tried before it is made,
// because nothing else shows that it matters to the child. Single steps, without memory: protection takes them, before
// any SMP packet of a step.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ble/bluez.hpp"
#include "ble/bonds.hpp"
#include "ble/profile.hpp"
#include "wire/frames.hpp"

namespace hg::ble {

/// What a child that is connected and not bonded does when its SMP characteristic is used all the same.
enum class Unbonded : std::uint8_t {
  answers,  ///< it answers anybody
  drops,    ///< it lets anybody listen, and answers nobody: what is written is dropped
  refuses,  ///< it does not let us listen, and the connection may be gone now
  pairs,    ///< bluetoothd raised the security by itself, and the child let it: the bond that came of it is removed
};
/// Asks for notifications by StartNotify (never AcquireNotify: where notifications want a bond BlueZ 5.66 does not
/// answer that any more, and breaks at the RemoveDevice after it), and for the answer to an echo. Errc::not_found: it
/// has no SMP characteristic; Errc::unavailable, Errc::io, Errc::cancelled: nothing is known.
boost::asio::awaitable<Result<Unbonded>> try_without_bond(boost::asio::any_io_executor executor,
                                                          std::shared_ptr<Bluez> bluez, std::string device,
                                                          SteadyTime deadline);

/// Whether it is an answer of the child, as bluetoothd tells them, or looks like one: a connection that breaks while it
/// is asked ends it as ATT error 0x0e, too.
bool is_told_by_att(const Error& error);

/// Pairs, and shows that there is a bond. Errc::unauthenticated: the child and this gateway do not agree (wrong
/// passkey, the child does not ask for one, it rejects); what had come about of it is removed. Errc::unavailable,
/// Errc::timed_out, Errc::io: try again later. `refused_before` as it was seen.
boost::asio::awaitable<Result<Bond>> make_bond(std::shared_ptr<Bluez> bluez, std::string device, Profile::Pairing mode,
                                               std::shared_ptr<const Secret> passkey, bool refused_before,
                                               SteadyTime deadline);

/// Whether it lets us listen over the bond. Asked of each new bond before AcquireNotify. Errc::unauthenticated: the
/// bond is not what it wants (made by just works, where it wants a passkey); other errors, is_told_by_att() among them:
/// not certain.
boost::asio::awaitable<Result<void>> takes_with_bond(std::shared_ptr<Bluez> bluez, std::string device,
                                                     SteadyTime deadline);

/// What a link counts for. `level`: the child kit's own report (LE security mode 1, 1 to 4; 0: none). Pure.
/// none: without a bond, or where the profile asks for none. proven: made by passkey, the child refuses what comes
/// without it, and says itself that the link is authenticated and by LE Secure Connections. claimed: all else, because
/// BlueZ 5.66 tells nobody how a bond was made.
wire::LinkSecurity security_of(Profile::Pairing mode, const std::optional<Bond>& bond, std::uint8_t level);

}  // namespace hg::ble
