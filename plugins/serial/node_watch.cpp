// SPDX-License-Identifier: Apache-2.0
#include "serial/node_watch.hpp"

#include <sys/inotify.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/unique_fd.hpp"

namespace hg::serial {
namespace asio = boost::asio;
namespace {

constexpr std::uint32_t kEvents = IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE | IN_ONLYDIR;
constexpr std::chrono::milliseconds kBurst{10};  // events come in bursts, and in a busy directory for ever

}  // namespace

NodeWatch::NodeWatch(const asio::any_io_executor& executor, std::filesystem::path node)
    : node_(std::move(node)), events_(executor), timer_(executor) {}

void NodeWatch::begin() {
  boost::system::error_code ignored;
  events_.close(ignored);
  UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd || ::inotify_add_watch(fd.get(), node_.parent_path().c_str(), kEvents) < 0) return;  // then only the timer
  events_.assign(fd.get(), ignored);
  if (!ignored) static_cast<void>(fd.release());
}

asio::awaitable<void> NodeWatch::changed(std::chrono::milliseconds longest) {
  if (is_closed_) co_return;
  timer_.expires_after(longest);
  if (events_.is_open()) {
    // Whichever comes first ends the other; the events themselves say nothing that a look at the node does not.
    const auto wake = [this](boost::system::error_code failure) {
      if (!failure) timer_.cancel();
    };
    events_.async_wait(asio::posix::descriptor_base::wait_read, wake);
  }
  co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  boost::system::error_code ignored;
  events_.close(ignored);
  if (is_closed_) co_return;
  timer_.expires_after(kBurst);
  co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
}

void NodeWatch::close() {
  is_closed_ = true;
  boost::system::error_code ignored;
  events_.close(ignored);
  timer_.cancel();
}

}  // namespace hg::serial
