// SPDX-License-Identifier: Apache-2.0
// What the administrator put in place to trust by: the root file, or a directory of PEM public keys. Reads files; who
// is believed is for service/root_keeper. Called by the composition root, at start and at reload.
#pragma once

#include "app/config.hpp"
#include "ports/journal.hpp"
#include "service/root_keeper.hpp"

namespace hg::app {

/// Without a root file: keys that cannot be read are named in the journal and left out, since the others are still
/// good.
service::TrustSource read_trust_source(const TrustConfig& config, ports::Journal& journal);

}  // namespace hg::app
