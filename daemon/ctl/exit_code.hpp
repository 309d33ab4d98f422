// SPDX-License-Identifier: Apache-2.0
// What headgatectl's exit status says; scripts rely on it, so no number ever changes its meaning.
#pragma once

#include "base/error.hpp"

namespace hg::ctl {

enum class ExitCode : int {
  ok = 0,
  failed = 1,
  usage = 2,
  not_found = 3,
  nothing_to_do = 4,
  not_authorized = 5,
  timed_out = 6,
  some_children_failed = 7,
  daemon_not_running = 8,
};

ExitCode exit_code_of(Errc code);

}  // namespace hg::ctl
