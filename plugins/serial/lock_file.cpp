// SPDX-License-Identifier: Apache-2.0
#include "serial/lock_file.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/unique_fd.hpp"

namespace hg::serial {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostText = 64;
constexpr const char* kOurs = " headgate\n";  // behind the process id, where others write their names too
constexpr mode_t kMode = 0644;                // others read who has the line

/// "LCK..ttyACM0"; "LCK..pts_3" for a node in a directory below /dev.
std::string file_name(const fs::path& node) {
  std::string name = node.lexically_relative("/dev").native();
  if (name.empty() || name.starts_with("..")) name = node.filename().native();
  std::ranges::replace(name, '/', '_');
  return "LCK.." + name;
}

/// Who wrote a lock file.
struct Holder {
  std::optional<pid_t> process;  ///< nothing: it names none
  uid_t owner = 0;
  bool is_left_over = false;  ///< a headgate wrote it that does not hold it any more
};

Result<Holder> read_lock(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return from_errno(errno, "read " + path.native());
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return Error{Errc::busy, path.native() + " is no file"};
  std::array<char, kMostText> text{};
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  const char* const end = text.data() + std::max<ssize_t>(size, 0);
  const char* const begin = std::find_if(static_cast<const char*>(text.data()), end, [](char c) { return c != ' '; });
  const bool is_headgates = std::string_view(text.data(), end).ends_with(kOurs);
  Holder holder{std::nullopt, info.st_uid, is_headgates && ::flock(fd.get(), LOCK_SH | LOCK_NB) == 0};
  pid_t process = 0;
  if (std::from_chars(begin, end, process).ec == std::errc{} && process > 0) holder.process = process;
  return holder;
}

/// Nothing: its process is gone. Else what to say of it.
std::optional<std::string> refusal_of(const Holder& holder, const fs::path& path) {
  if (holder.is_left_over) return std::nullopt;
  const bool is_ours = holder.owner == ::geteuid();
  if (!holder.process) {
    if (is_ours) return std::nullopt;
    return path.native() + " names no process: remove it when nobody uses the line";
  }
  if (*holder.process == ::getpid()) return std::nullopt;  // our own lines are told apart elsewhere
  // Somebody else's process under a number that was ours: ours is gone.
  const bool lives = ::kill(*holder.process, 0) == 0 || (errno == EPERM && !is_ours);
  if (!lives) return std::nullopt;
  return "in use by process " + std::to_string(*holder.process) + ", says " + path.native();
}

/// Makes the file with its text in it and held, or not at all: under another name first.
Result<UniqueFd> write_lock(const fs::path& path) {
  const std::string draft = path.parent_path() / ("LTMP." + std::to_string(::getpid()));
  ::unlink(draft.c_str());
  UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode));
  if (!fd) return from_errno(errno, "make " + draft);
  std::array<char, kMostText> text{};
  const int size = std::snprintf(text.data(), text.size(), "%10d%s", ::getpid(), kOurs);
  const bool is_written = ::write(fd.get(), text.data(), static_cast<std::size_t>(size)) == size;
  const bool is_held = is_written && ::fchmod(fd.get(), kMode) == 0 && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
  const bool is_linked = is_held && ::link(draft.c_str(), path.c_str()) == 0;
  const int failure = errno;
  ::unlink(draft.c_str());
  if (!is_linked) return from_errno(failure, "make " + path.native());
  return fd;
}

}  // namespace

LockFile& LockFile::operator=(LockFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(held_, other.held_);
  return *this;
}

LockFile::~LockFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<LockFile> LockFile::take(const fs::path& directory, const fs::path& node) {
  const fs::path path = directory / file_name(node);
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) {
    const auto holder = read_lock(path);
    if (!holder) return Error{Errc::busy, "its lock cannot be judged: " + holder.error().message};
    if (auto refusal = refusal_of(*holder, path)) return Error{Errc::busy, std::move(*refusal)};
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
      return Error{Errc::busy, path.native() + " is left over from a process that is gone: remove it"};
    }
  }
  LockFile lock;
  auto written = write_lock(path);
  if (written) {
    lock.path_ = path;
    lock.held_ = std::move(*written);
  }
  if (!written && written.error().code == Errc::exists) return Error{Errc::busy, "somebody locks it right now"};
  return lock;
}

}  // namespace hg::serial
