// SPDX-License-Identifier: Apache-2.0
// The commands that count: what the cache holds, in the clear and as ciphertext, and how often the daemon did what is
// expensive, for whoever collects metrics.
#pragma once

#include "ctl/session.hpp"

namespace hg::ctl {

Result<ExitCode> show_cache(Session session);
/// Prometheus' text format.
Result<ExitCode> show_metrics(Session session);

}  // namespace hg::ctl
