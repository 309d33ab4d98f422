// SPDX-License-Identifier: Apache-2.0
#include "app/credentials.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/bytes.hpp"
#include "base/unique_fd.hpp"

namespace hg::app {

Result<std::filesystem::path> credential_path(std::string_view name) {
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  const std::string doing = "credential " + std::string(name);
  if (directory == nullptr)
    return Error{Errc::not_found, doing + ": systemd gave none; see LoadCredential= in headgated.service"};
  if (name.find('/') != std::string_view::npos) return Error{Errc::invalid, doing + ": is not a name"};
  return std::filesystem::path(directory) / name;
}

Result<std::string> read_credential(std::string_view name) {
  const Result<std::filesystem::path> path = credential_path(name);
  if (!path) return path.error();
  const std::string doing = "credential " + std::string(name);
  const UniqueFd file(::open(path->c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return from_errno(errno, doing);
  std::array<char, 4096> content{};
  const ssize_t size = ::read(file.get(), content.data(), content.size());
  if (size < 0) return from_errno(errno, doing);
  std::string secret(content.data(), static_cast<std::size_t>(size));
  wipe({reinterpret_cast<std::uint8_t*>(content.data()), content.size()});
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  return secret;
}

}  // namespace hg::app
