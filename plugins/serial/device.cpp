// SPDX-License-Identifier: Apache-2.0
#include "serial/device.hpp"

#include <fcntl.h>
#include <libudev.h>
#include <sys/inotify.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <vector>

#include "base/unique_fd.hpp"

namespace hg::serial {
namespace asio = boost::asio;
namespace {

constexpr std::uint32_t kNodeEvents = IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE | IN_ONLYDIR;
constexpr std::chrono::milliseconds kBurst{10};  // events come in bursts, and in a busy directory for ever
constexpr const char* kSubsystem = "tty";
/// Made by systemd-udevd while it runs; without it a monitor opens and never says anything.
constexpr const char* kUdevRuns = "/run/udev/control";

struct Unref {
  void operator()(udev_device* device) const { udev_device_unref(device); }
  void operator()(udev_enumerate* list) const { udev_enumerate_unref(list); }
};
using UdevDevice = std::unique_ptr<udev_device, Unref>;
using UdevList = std::unique_ptr<udev_enumerate, Unref>;

bool has_all(udev_device* device, const std::map<std::string, std::string>& properties) {
  return std::ranges::all_of(properties, [device](const auto& property) {
    const char* const value = udev_device_get_property_value(device, property.first.c_str());
    return value != nullptr && property.second == value;
  });
}

/// The nodes of all ttys that have these properties.
std::vector<std::string> nodes_with(udev* library, const std::map<std::string, std::string>& properties) {
  std::vector<std::string> nodes;
  const UdevList list(udev_enumerate_new(library));
  if (!list) return nodes;
  udev_enumerate_add_match_subsystem(list.get(), kSubsystem);
  if (udev_enumerate_scan_devices(list.get()) < 0) return nodes;
  for (auto* entry = udev_enumerate_get_list_entry(list.get()); entry != nullptr;
       entry = udev_list_entry_get_next(entry)) {
    const UdevDevice device(udev_device_new_from_syspath(library, udev_list_entry_get_name(entry)));
    const char* const node = device ? udev_device_get_devnode(device.get()) : nullptr;
    if (node != nullptr && has_all(device.get(), properties)) nodes.emplace_back(node);
  }
  return nodes;
}

}  // namespace

void Device::Release::operator()(udev* library) const {
  udev_unref(library);
}

void Device::Release::operator()(udev_monitor* monitor) const {
  udev_monitor_unref(monitor);
}

Device::Device(const asio::any_io_executor& executor, LineAddress address)
    : address_(std::move(address)),
      udev_(udev_new()),
      udev_events_(executor),
      node_events_(executor),
      timer_(std::make_shared<asio::steady_timer>(executor)) {}

Result<std::filesystem::path> Device::find() const {
  if (!address_.node.empty()) return address_.node;
  if (!udev_) return Error{Errc::io, "libudev does not start"};
  const std::vector<std::string> nodes = nodes_with(udev_.get(), address_.properties);
  if (nodes.size() == 1) return std::filesystem::path(nodes.front());
  if (nodes.empty()) return Error{Errc::not_found, "udev knows no tty with the properties of the address"};
  return Error{Errc::mismatch, "the properties of the address fit " + nodes[0] + " and " + nodes[1] +
                                   ": add one that tells them apart (ID_USB_INTERFACE_NUM, ID_PATH)"};
}

// --------------------------------------------------------------------------------------------------------- watching

void Device::begin() {
  if (!monitor_) listen_to_udev();
  if (monitor_) drain_udev();
  if (!address_.node.empty()) watch_directory();
}

void Device::listen_to_udev() {
  if (!udev_ || ::access(kUdevRuns, F_OK) != 0) return;
  std::unique_ptr<udev_monitor, Release> monitor(udev_monitor_new_from_netlink(udev_.get(), "udev"));
  if (!monitor) return;  // then the timer looks
  udev_monitor_filter_add_match_subsystem_devtype(monitor.get(), kSubsystem, nullptr);
  if (udev_monitor_enable_receiving(monitor.get()) < 0) return;
  UniqueFd duplicate(::fcntl(udev_monitor_get_fd(monitor.get()), F_DUPFD_CLOEXEC, 0));
  boost::system::error_code failure;
  udev_events_.assign(duplicate.get(), failure);
  if (failure) return;
  static_cast<void>(duplicate.release());
  monitor_ = std::move(monitor);
}

void Device::drain_udev() {
  while (UdevDevice(udev_monitor_receive_device(monitor_.get()))) {
  }
}

void Device::watch_directory() {
  boost::system::error_code ignored;
  node_events_.close(ignored);
  UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd || ::inotify_add_watch(fd.get(), address_.node.parent_path().c_str(), kNodeEvents) < 0) return;
  node_events_.assign(fd.get(), ignored);
  if (!ignored) static_cast<void>(fd.release());
}

asio::awaitable<void> Device::changed(std::chrono::milliseconds longest) {
  if (is_closed_) co_return;
  timer_->expires_after(longest);
  // Whichever comes first ends the others; the events themselves say nothing that a look at the device does not.
  const auto wake = [timer = timer_](boost::system::error_code failure) {
    if (!failure) timer->cancel();
  };
  if (node_events_.is_open()) node_events_.async_wait(asio::posix::descriptor_base::wait_read, wake);
  if (udev_events_.is_open()) udev_events_.async_wait(asio::posix::descriptor_base::wait_read, wake);
  co_await timer_->async_wait(asio::as_tuple(asio::use_awaitable));
  boost::system::error_code ignored;
  node_events_.close(ignored);
  udev_events_.cancel(ignored);
  if (is_closed_) co_return;
  timer_->expires_after(kBurst);
  co_await timer_->async_wait(asio::as_tuple(asio::use_awaitable));
}

void Device::close() {
  is_closed_ = true;
  boost::system::error_code ignored;
  node_events_.close(ignored);
  udev_events_.close(ignored);
  timer_->cancel();
}

}  // namespace hg::serial
