// SPDX-License-Identifier: Apache-2.0
// What every command gets: the bus, and how its result is to be written. A command is a function of a session that
// returns the exit code, or an error that main prints.
#pragma once

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "ctl/client.hpp"
#include "ctl/exit_code.hpp"

namespace hg::ctl {

struct Session {
  Client& client;
  bool json = false;
};

/// One JSON value, one line, on stdout; cleaned when that is a terminal.
void print_json(const boost::json::value& value);

}  // namespace hg::ctl
