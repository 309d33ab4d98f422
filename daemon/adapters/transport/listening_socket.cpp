// SPDX-License-Identifier: Apache-2.0
#include "adapters/transport/listening_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

namespace hg::transport {
namespace asio = boost::asio;
namespace {

constexpr int kBacklog = 16;

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.size() >= sizeof address.sun_path) return Error{Errc::too_large, "path of more than 107 characters"};
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

/// The same address as the socket calls want it.
const sockaddr* generic(const sockaddr_un& address) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the interface of the socket calls
  return reinterpret_cast<const sockaddr*>(&address);
}

/// Removes a socket file that nobody listens on any more.
Result<void> clear_the_way(const std::filesystem::path& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode)) return Error{Errc::exists, "something else than a socket is there"};
  const UniqueFd probe(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return from_errno(errno, "socket");
  const bool refused = ::connect(probe.get(), generic(address), sizeof address) != 0 && errno == ECONNREFUSED;
  if (!refused) return Error{Errc::exists, "another daemon listens there"};
  if (::unlink(path.c_str()) != 0) return from_errno(errno, "remove the old socket");
  return {};
}

}  // namespace

Result<void> ListeningSocket::open(const std::filesystem::path& path, mode_t mode, std::optional<gid_t> group) {
  const std::string doing = "listen on " + path.native();
  const auto address = address_of(path);
  if (!address) return address.error().within(doing);
  if (auto clear = clear_the_way(path, *address); !clear) return clear.error().within(doing);
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return from_errno(errno, "socket").within(doing);
  // Before bind(), so that nobody can connect while the file has another mode.
  if (::fchmod(fd.get(), mode & 0600U) != 0) return from_errno(errno, "mode").within(doing);
  if (::bind(fd.get(), generic(*address), sizeof *address) != 0) return from_errno(errno, "bind").within(doing);
  path_ = path;
  const uid_t same_owner = static_cast<uid_t>(-1);
  if (group && ::lchown(path.c_str(), same_owner, *group) != 0) return from_errno(errno, "group").within(doing);
  if (::chmod(path.c_str(), mode) != 0) return from_errno(errno, "mode").within(doing);
  if (::listen(fd.get(), kBacklog) != 0) return from_errno(errno, "listen").within(doing);
  boost::system::error_code failure;
  socket_.assign(fd.get(), failure);
  if (failure) return Error{Errc::io, failure.message()}.within(doing);
  static_cast<void>(fd.release());
  return {};
}

asio::awaitable<Result<UniqueFd>> ListeningSocket::accept() {
  for (;;) {
    const auto [failure] =
        co_await socket_.async_wait(asio::posix::descriptor_base::wait_read, asio::as_tuple(asio::use_awaitable));
    if (failure || !socket_.is_open()) co_return Error{Errc::cancelled, "no longer listening"};
    UniqueFd fd(::accept4(socket_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) co_return std::move(fd);
    const bool went_away = errno == EAGAIN || errno == EWOULDBLOCK || errno == ECONNABORTED || errno == EINTR;
    if (!went_away) co_return Error{Errc::io, from_errno(errno, "accept").message};
  }
}

void ListeningSocket::close() {
  if (socket_.is_open() && !path_.empty()) ::unlink(path_.c_str());
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace hg::transport
