// SPDX-License-Identifier: Apache-2.0
#include "sdk/plugin.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "sdk/lane.hpp"
#include "wire/limits.hpp"

namespace hg::plugin {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kFirstPause = 200ms;  // before connecting again; doubles
constexpr std::chrono::milliseconds kLongestPause = 10s;
constexpr std::chrono::milliseconds kWelcomeWithin = 10s;

Result<UniqueFd> connect_to(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.size() >= sizeof address.sun_path) return Error{Errc::too_large, "path of more than 107 characters"};
  std::memcpy(address.sun_path, text.data(), text.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return from_errno(errno, "socket");
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the interface of the socket calls
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(fd.get(), generic, sizeof address) != 0) return from_errno(errno, "connect to " + text);
  return fd;
}

/// In the driver's own locked memory. Throws std::bad_alloc.
LinkKey link_key_of(const wire::LinkKey& said) {
  LinkKey key;
  key.kind = static_cast<LinkKeyKind>(said.kind);
  key.identity = said.identity;
  if (said.secret) key.secret = Secret(said.secret->view());
  key.certificate = said.certificate;
  return key;
}

std::string_view name_of(LinkKeyKind kind) {
  switch (kind) {
    case LinkKeyKind::psk:
      return "PSK";
    case LinkKeyKind::certificate:
      return "certificate";
    case LinkKeyKind::passkey:
      return "passkey";
    case LinkKeyKind::none:
      break;
  }
  return "none";
}

}  // namespace

Plugin::Plugin(asio::any_io_executor executor, Identity identity, std::filesystem::path socket, Driver& driver, Log log,
               std::chrono::milliseconds leave_within, std::chrono::milliseconds enroll_within,
               std::chrono::milliseconds radio_pause)
    : executor_(std::move(executor)),
      identity_(std::move(identity)),
      socket_(std::move(socket)),
      driver_(&driver),
      log_(std::move(log)),
      leave_within_(leave_within),
      enroll_within_(enroll_within),
      radio_(executor_, radio_pause, [this](const wire::Radio& news) { say_radio(news); }),
      pause_(executor_),
      stale_timer_(executor_) {}

Plugin::~Plugin() = default;

// ------------------------------------------------------------------------------------------------------ connecting

asio::awaitable<void> Plugin::run() {
  if ((identity_.capabilities & wire::kCanHoldKeys) != 0) {
    if (const auto locked = lock_secrets(); !locked) log_(locked.error().message);
  }
  auto pause = kFirstPause;
  std::string last_trouble;
  while (!stopping_) {
    auto connected = co_await connect();
    if (connected) {
      log_("connected to the daemon");
      pause = kFirstPause;
      last_trouble.clear();
      const Error end = co_await serve();
      if (!stopping_) log_("connection to the daemon lost: " + end.message);
    } else if (connected.error().message != last_trouble) {  // once, not at every attempt
      last_trouble = connected.error().message;
      log_("no connection to the daemon: " + last_trouble);
    }
    channel_.reset();
    drop_work();
    if (stopping_) break;
    pause_.expires_after(pause);
    pause = std::min(2 * pause, kLongestPause);
    co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  const auto is_clearing = [](const auto& known) { return known.second.lane->is_clearing(); };
  while (std::ranges::any_of(children_, is_clearing)) {
    pause_.expires_at(SteadyTime::max());  // until a lane ends it
    co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void Plugin::stop() {
  stopping_ = true;
  if (channel_) channel_->close();
  pause_.cancel();
  stale_timer_.cancel();
  radio_.stop();
  for (const auto& lane : lanes()) lane->clear(leave_within_, [this] { pause_.cancel(); });
}

asio::awaitable<Result<void>> Plugin::connect() {
  auto socket = connect_to(socket_);
  if (!socket) co_return socket.error();
  auto channel = wire::Channel::open(executor_, std::move(*socket));
  if (!channel) co_return channel.error();
  channel_ = *channel;
  const wire::Hello hello{wire::kLowestVersion, wire::kHighestVersion, identity_.transport, identity_.capabilities,
                          identity_.software};
  if (auto sent = channel_->send(hello); !sent) co_return sent.error();

  asio::steady_timer deadline(executor_, kWelcomeWithin);
  const auto give_up = [weak = std::weak_ptr(channel_)](boost::system::error_code failure) {
    const auto guest = weak.lock();
    if (!failure && guest) guest->close();
  };
  deadline.async_wait(give_up);
  auto arrival = co_await channel_->receive();
  if (!arrival) co_return arrival.error().within("no Welcome");
  if (const auto* refused = std::get_if<wire::Refused>(&arrival->frame)) {
    co_return Error{refused->code, refused->text}.within("the daemon refuses");
  }
  const auto* welcome = std::get_if<wire::Welcome>(&arrival->frame);
  const bool is_fine =
      welcome != nullptr && welcome->version >= wire::kLowestVersion && welcome->version <= wire::kHighestVersion;
  if (!is_fine) co_return Error{Errc::invalid, "the daemon does not keep to the protocol"};
  co_return Result<void>{};
}

asio::awaitable<Error> Plugin::serve() {
  for (auto& [child, enrolled] : children_) enrolled.stale = enrolled.key_is_stale = true;
  forget_stale_later();
  say_strangers();
  for (;;) {
    auto arrival = co_await channel_->receive();
    if (!arrival) co_return arrival.error();
    if (auto taken = take(std::move(*arrival)); !taken) co_return taken.error();
  }
}

/// A step that ends may take its child out of children_: who goes through all lanes goes through a copy.
std::vector<std::shared_ptr<Lane>> Plugin::lanes() const {
  std::vector<std::shared_ptr<Lane>> lanes;
  for (const auto& [child, enrolled] : children_) lanes.push_back(enrolled.lane);
  return lanes;
}

void Plugin::drop_work() {
  stale_timer_.cancel();
  for (const auto& lane : lanes()) lane->cancel_all();
}

// ------------------------------------------------------------------------------------------------------- receiving

Result<void> Plugin::take(wire::Channel::Arrival arrival) {
  if (const auto* child = std::get_if<wire::Enroll>(&arrival.frame)) {
    enroll(*child);
  } else if (const auto* gone = std::get_if<wire::Forget>(&arrival.frame)) {
    forget(gone->child);
  } else if (const auto* key = std::get_if<wire::LinkKey>(&arrival.frame)) {
    hold(*key);
  } else if (const auto* cancel = std::get_if<wire::Cancel>(&arrival.frame)) {
    for (const auto& lane : lanes()) lane->cancel(cancel->request);
  } else if (const auto* task = wire::task_of(arrival.frame)) {
    const auto found = children_.find(task->child);
    if (found == children_.end() || found->second.is_gone) {
      return channel_->send(wire::Failed{{task->request, task->child}, Errc::not_found, "not enrolled"});
    }
    found->second.lane->add(std::move(arrival.frame), std::move(arrival.fd), channel_);
  } else {
    return Error{Errc::invalid, std::string(wire::name_of(arrival.frame)) + " is not for the daemon to send"};
  }
  return {};
}

void Plugin::enroll(const wire::Enroll& child) {
  const auto [found, is_new] = children_.try_emplace(child.child);
  Enrolled& enrolled = found->second;
  enrolled.stale = false;
  if (is_new) enrolled.lane = std::make_shared<Lane>(executor_, *driver_);
  if (is_new || enrolled.is_gone || enrolled.values != child) {
    enrolled.is_gone = false;
    enrolled.values = child;
    pass_on_later(enrolled);
  } else if (enrolled.link) {
    static_cast<void>(channel_->send(*enrolled.link));
  }
  radio_.say_again(child.child);
}

void Plugin::forget(const std::string& child) {
  const auto found = children_.find(child);
  if (found == children_.end()) return;
  found->second.is_gone = true;
  hold({.child = child});  // its links end with it, whatever runs
  pass_on_later(found->second);
}

void Plugin::hold(const wire::LinkKey& key) {
  const auto found = children_.find(key.child);
  const bool is_none = key.kind == wire::LinkKeyKind::none;
  if (found == children_.end() || (found->second.is_gone && !is_none)) return;
  Enrolled& enrolled = found->second;
  enrolled.key_is_stale = false;
  const bool has_changed = enrolled.key.kind != key.kind || (!is_none && enrolled.key != key);
  enrolled.key = key;
  if (has_changed && !enrolled.is_new) pass_on_key(enrolled);
}

void Plugin::pass_on_key(const Enrolled& enrolled) {
  const std::string& child = enrolled.values.child;
  LinkKey key;
  try {
    key = link_key_of(enrolled.key);
  } catch (const std::bad_alloc&) {
    log_(child + ": its link key is not held: no memory for keys");
  }
  log_(child + ": link key: " + std::string(name_of(key.kind)));
  driver_->set_link_key(child, std::move(key));
}

/// The driver hears of the change when the child's last step has ended, which may have to leave the child well first.
void Plugin::pass_on_later(Enrolled& enrolled) {
  enrolled.link.reset();
  enrolled.lane->clear(leave_within_, [this, child = enrolled.values.child] { pass_on(child); });
}

void Plugin::pass_on(const std::string& child) {
  const auto found = children_.find(child);
  if (found == children_.end()) return;
  if (found->second.is_gone) {
    children_.erase(found);
    radio_.forget(child);
    log_(child + ": no longer enrolled");
    driver_->forget(child);
  } else {
    const wire::Enroll values = found->second.values;
    log_(child + ": enrolled, address " + values.address);
    driver_->enroll(values);
    found->second.is_new = false;
    if (found->second.key.kind != wire::LinkKeyKind::none) pass_on_key(found->second);
  }
}

void Plugin::forget_stale_later() {
  stale_timer_.expires_after(enroll_within_);
  const auto look = [this](boost::system::error_code failure) {
    if (!failure) forget_stale();
  };
  stale_timer_.async_wait(look);
}

/// What the daemon has not said again since it is connected.
void Plugin::forget_stale() {
  std::vector<std::string> stale;
  for (const auto& [child, enrolled] : children_) {
    if (enrolled.stale || enrolled.key_is_stale) stale.push_back(child);
  }
  for (const std::string& child : stale) {
    if (children_.at(child).stale) {
      forget(child);
    } else {
      hold({.child = child});
    }
  }
  driver_->all_are_enrolled();
}

void Plugin::report_link(const wire::Link& said) {
  const auto found = children_.find(said.child);
  if (found == children_.end() || found->second.lane->is_clearing()) return;  // what it says is over
  wire::Link link = said;
  link.text = wire::bounded_text(said.text);
  if (found->second.link == link) return;
  found->second.link = link;
  log_(link.child + (link.up ? ": link up" : ": link down: " + link.text));
  if (channel_ && !found->second.stale) static_cast<void>(channel_->send(link));
}

void Plugin::report_radio(const wire::Radio& radio) {
  if (children_.contains(radio.child)) radio_.report(radio);
}

/// Not before the daemon has said that the child is its own.
void Plugin::say_radio(const wire::Radio& radio) {
  const auto found = children_.find(radio.child);
  if (found == children_.end() || found->second.stale || found->second.is_gone) return;
  if (channel_) static_cast<void>(channel_->send(radio));
}

// --------------------------------------------------------------------------------------------------------- strangers

void Plugin::report_meeting(Meeting meeting) {
  if (const auto* gone = std::get_if<wire::Vanished>(&meeting)) {
    if (strangers_.erase(gone->name) != 0 && channel_) static_cast<void>(channel_->send(*gone));
    return;
  }
  auto& met = std::get<wire::Discovered>(meeting);
  met.text = wire::bounded_text(met.text);
  // The daemon would take such a frame for hostile.
  if (!wire::is_name(met.name) || met.address != wire::bounded_text(met.address, wire::kMaxAddress)) return;
  const auto known = strangers_.find(met.name);
  if (known == strangers_.end() && strangers_.size() == wire::kMaxStrangers) return;
  if (known != strangers_.end() && known->second == met) return;
  if (channel_) static_cast<void>(channel_->send(met));
  strangers_[met.name] = std::move(met);
}

void Plugin::say_strangers() {
  for (const auto& [name, met] : strangers_) static_cast<void>(channel_->send(met));
}

}  // namespace hg::plugin
