// SPDX-License-Identifier: Apache-2.0
#include "pack/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/unique_fd.hpp"

namespace hg::pack {

namespace {

Result<void> write_all(int descriptor, ByteView content, const std::string& name) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return from_errno(errno, name);
    content = content.subspan(static_cast<std::size_t>(written));
  }
  if (::fsync(descriptor) < 0) return from_errno(errno, name);
  return {};
}

}  // namespace

Result<Bytes> read_file(const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts {};
  if (!file || ::fstat(file.get(), &facts) < 0) return from_errno(errno, path.string());
  Bytes content(static_cast<std::size_t>(facts.st_size));
  std::size_t size = 0;
  while (true) {
    if (size == content.size()) content.resize(size + 4096);
    const ssize_t got = ::read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return from_errno(errno, path.string());
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  content.resize(size);
  return content;
}

Result<void> write_file(const std::filesystem::path& path, ByteView content) {
  std::error_code ignored;
  const auto kind = std::filesystem::status(path, ignored).type();
  if (kind != std::filesystem::file_type::not_found && kind != std::filesystem::file_type::regular)
    return Error{Errc::invalid, path.string() + " is there and no file"};
  std::string temporary = path.string() + ".XXXXXX";
  const UniqueFd file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) return from_errno(errno, path.string());
  Result<void> done = write_all(file.get(), content, path.string());
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (done && ::fchmod(file.get(), 0644 & ~mask) < 0) done = from_errno(errno, path.string());
  if (done && std::rename(temporary.c_str(), path.c_str()) != 0) done = from_errno(errno, path.string());
  if (!done) ::unlink(temporary.c_str());
  return done;
}

}  // namespace hg::pack
