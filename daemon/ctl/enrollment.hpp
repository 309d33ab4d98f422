// SPDX-License-Identifier: Apache-2.0
// The commands that say who is a child of this gateway and which keys it has, and what `children` shows of that. A key
// is a file or a pipe that the daemon reads; it is never an argument, and never comes back.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <vector>

#include "ctl/session.hpp"
#include "ctl/table.hpp"

namespace hg::ctl {

/// What is said of a child; what is empty was not said.
struct ChildWords {
  bool is_discovered = false;  ///< take the rest from the one of this name that a plugin has met
  std::string transport;
  std::string address;
  std::string profile;
  std::string vendor;
  std::string device_class;
  std::vector<std::string> targets;  ///< "NAME" or "NAME:IMAGE"
};
Result<ExitCode> enroll_child(Session session, const std::string& name, ChildWords said);
Result<ExitCode> forget_child(Session session, const std::string& name);
Result<ExitCode> replace_board(Session session, const std::string& name);
/// `source` is a path, or "-": standard input. `kid` may be empty.
Result<ExitCode> set_child_key(Session session, const std::string& name, const std::string& use,
                               const std::string& source, const std::string& kid);
Result<ExitCode> revoke_child_key(Session session, const std::string& name, const std::string& use);

/// Those whom plugins have met and nobody has enrolled, as the bus shows them.
Result<boost::json::array> discovered(Client& client);
/// "configuration", "uid 1000", "policy meters".
std::string enroller_of(const boost::json::object& child);
void add_protection(Facts& facts, const boost::json::object& child);
/// Nothing for a child without a radio.
void add_radio(Facts& facts, const boost::json::object& child);
/// Nothing for a child without keys.
void print_keys(const boost::json::object& child);

}  // namespace hg::ctl
