// SPDX-License-Identifier: Apache-2.0
// Secrets by the name of a systemd credential (systemd.exec(5), LoadCredential=). The configuration names them and
// never holds them. Called by the composition root.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hg::app {

/// Where the credential of that name stands; Errc::not_found when systemd gave us none by that name.
Result<std::filesystem::path> credential_path(std::string_view name);

/// Its content without a final line end, at most 4 KiB. The caller wipes it.
Result<std::string> read_credential(std::string_view name);

}  // namespace hg::app
