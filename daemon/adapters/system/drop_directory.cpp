// SPDX-License-Identifier: Apache-2.0
#include "adapters/system/drop_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "ports/control.hpp"

namespace hg::system {

namespace asio = boost::asio;

namespace {

constexpr std::string_view kRefused = ".refused";
constexpr std::size_t kMostWaiting = 1024;

bool is_candidate(std::string_view name) {
  return !name.empty() && name.front() != '.' && !name.ends_with(kRefused);
}

}  // namespace

Result<std::unique_ptr<DropDirectory>> DropDirectory::open(const asio::any_io_executor& executor,
                                                           const std::filesystem::path& path, ports::Journal& journal) {
  const std::string doing = "import directory " + path.string();
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return from_errno(error.value(), "make the " + doing);
  UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return from_errno(errno, "open the " + doing);
  UniqueFd watch(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (watch.get() < 0) return from_errno(errno, "watch the " + doing);
  if (::inotify_add_watch(watch.get(), path.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0)
    return from_errno(errno, "watch the " + doing);
  std::unique_ptr<DropDirectory> made(  // the constructor is private
      new DropDirectory(executor, std::move(directory), std::move(watch), journal));
  made->list();
  return made;
}

DropDirectory::DropDirectory(const asio::any_io_executor& executor, UniqueFd directory, UniqueFd watch,
                             ports::Journal& journal)
    : directory_(std::move(directory)), watch_(executor, watch.release()), journal_(journal) {}

/// What is there now; also after events were lost.
void DropDirectory::list() {
  DIR* entries = ::fdopendir(::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (entries == nullptr) return;
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(entries))
    if (is_candidate(entry->d_name)) names.emplace_back(entry->d_name);
  ::closedir(entries);
  std::ranges::sort(names);
  for (const std::string& name : names) again(name);
}

asio::awaitable<Result<ports::Dropped>> DropDirectory::next() {
  for (;;) {
    while (!waiting_.empty()) {
      const std::string name = std::move(waiting_.front());
      waiting_.pop_front();
      Result<Bytes> bytes = read(name);
      if (bytes) co_return ports::Dropped{name, std::move(*bytes)};
      if (bytes.error().code == Errc::not_found) continue;  // taken away again
      complain(name, bytes.error().message);
      refused(name);
    }
    const Result<void> waited = co_await wait();
    if (!waited) co_return waited.error();
    take_events();
  }
}

asio::awaitable<Result<void>> DropDirectory::wait() {
  boost::system::error_code error;
  co_await watch_.async_wait(asio::posix::stream_descriptor::wait_read,
                             asio::redirect_error(asio::use_awaitable, error));
  if (error && waiting_.empty()) co_return Error{Errc::cancelled, "the import directory is watched no longer"};
  co_return Result<void>{};
}

void DropDirectory::take_events() {
  alignas(inotify_event) std::array<char, 64 * (sizeof(inotify_event) + NAME_MAX + 1)> buffer{};
  for (;;) {
    const ssize_t size = ::read(watch_.native_handle(), buffer.data(), buffer.size());
    if (size <= 0) return;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) list();
      if (event->len > 0 && is_candidate(event->name)) again(event->name);
    }
  }
}

DropDirectory::Content DropDirectory::content_of(const struct stat& facts) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  return {facts.st_ino, facts.st_size, facts.st_mtim.tv_sec * kSecond + facts.st_mtim.tv_nsec};
}

/// If not, somebody has dropped another one by this name meanwhile: that one comes by its own event.
bool DropDirectory::is_still_what_was_read(const std::string& name) {
  const auto known = read_.extract(name);
  if (known.empty()) return true;
  struct stat facts {};
  if (::fstatat(directory_.get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) return true;
  return content_of(facts) == known.mapped();
}

Result<Bytes> DropDirectory::read(const std::string& name) {
  const UniqueFd file(::openat(directory_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) return from_errno(errno, "open");
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return from_errno(errno, "look at");
  read_.insert_or_assign(name, content_of(facts));
  if (!S_ISREG(facts.st_mode)) return Error{Errc::invalid, "not a regular file"};
  if (facts.st_size > static_cast<off_t>(ports::kMaxEnvelope))
    return Error{Errc::too_large, "more than " + std::to_string(ports::kMaxEnvelope) + " bytes"};
  Bytes bytes(static_cast<std::size_t>(facts.st_size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::pread(file.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got < 0) return from_errno(errno, "read");
    if (got == 0) break;  // it became shorter: whoever writes will close it, and it comes once more
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

void DropDirectory::complain(const std::string& name, const std::string& what) {
  journal_.write(ports::Level::warning, {}, "import directory: " + name + ": " + what);
}

void DropDirectory::taken(const std::string& name) {
  if (!is_still_what_was_read(name)) return;
  if (::unlinkat(directory_.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    complain(name, std::string("taken in, and cannot be removed: ") + std::strerror(errno));
}

void DropDirectory::refused(const std::string& name) {
  if (!is_still_what_was_read(name)) return;
  const std::string aside = name + std::string(kRefused);
  if (::renameat(directory_.get(), name.c_str(), directory_.get(), aside.c_str()) != 0 && errno != ENOENT)
    complain(name, std::string("refused, and cannot be set aside: ") + std::strerror(errno));
}

void DropDirectory::again(const std::string& name) {
  if (std::ranges::find(waiting_, name) != waiting_.end()) return;
  if (waiting_.size() >= kMostWaiting) {
    complain(name, "too many wait already: it is looked at after the next start");
    return;
  }
  waiting_.push_back(name);
  watch_.cancel();
}

}  // namespace hg::system
