// SPDX-License-Identifier: Apache-2.0
#include "ctl/exit_code.hpp"

namespace hg::ctl {

ExitCode exit_code_of(Errc code) {
  switch (code) {
    case Errc::invalid:
      return ExitCode::usage;
    case Errc::not_found:
      return ExitCode::not_found;
    case Errc::denied:
      return ExitCode::not_authorized;
    case Errc::timed_out:
      return ExitCode::timed_out;
    case Errc::unavailable:
      return ExitCode::daemon_not_running;
    default:
      return ExitCode::failed;
  }
}

}  // namespace hg::ctl
