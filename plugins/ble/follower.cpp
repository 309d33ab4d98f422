// SPDX-License-Identifier: Apache-2.0
#include "ble/follower.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <string_view>
#include <utility>

#include "ble/bluez_error.hpp"

namespace hg::ble {
namespace asio = boost::asio;
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{200};
constexpr milliseconds kLastPause{10'000};
constexpr std::chrono::microseconds kBusAnswers = std::chrono::seconds{10};
constexpr const char* kBusName = "org.freedesktop.DBus";
constexpr const char* kBusPath = "/org/freedesktop/DBus";
constexpr const char* kBlueZ = "org.bluez";

constexpr const char* kOwnerChanged =
    "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
    "member='NameOwnerChanged',arg0='org.bluez'";
constexpr const char* kObjectSignals =
    "type='signal',sender='org.bluez',path='/',interface='org.freedesktop.DBus.ObjectManager'";
constexpr const char* kPropertySignals =
    "type='signal',sender='org.bluez',path_namespace='/org/bluez',interface='org.freedesktop.DBus.Properties',"
    "member='PropertiesChanged'";

bool is_from(sd_bus_message* message, std::string_view name) {
  const char* const sender = sd_bus_message_get_sender(message);
  return sender != nullptr && name == sender;
}

std::string text_of(const sd_bus_error* error) {
  return error->message == nullptr ? error->name : error->message;
}

}  // namespace

Follower::Follower(const asio::any_io_executor& executor, std::string where, plugin::Log log)
    : executor_(executor), where_(std::move(where)), log_(std::move(log)), retry_(executor), pause_(kFirstPause) {}

Follower::~Follower() {
  close();
}

void Follower::start(Events events) {
  events_ = std::move(events);
  connect();
}

void Follower::close() {
  if (is_closed_) return;
  is_closed_ = true;
  events_ = {};
  retry_.cancel();
  owner_.clear();
  objects_.clear();
  is_there_ = false;
  if (connection_) connection_->close();
}

/// Only what was not said last.
void Follower::say(std::string text) {
  if (text == said_) return;
  said_ = std::move(text);
  if (log_) log_(said_);
}

// -------------------------------------------------------------------------------------------------------------- bus

void Follower::connect() {
  const auto lost = [weak = weak_from_this()](int result) {
    if (const auto self = weak.lock()) self->lose(from_errno(-result, "D-Bus").message);
  };
  auto opened = bus::Connection::open(executor_, where_, lost);
  if (!opened) return lose(opened.error().message);
  connection_ = std::move(*opened);
  auto watched = watch();
  if (watched) watched = ask_owner();
  if (!watched) lose(watched.error().message);
}

/// Never called inside a callback of sd-bus: the connection goes.
void Follower::lose(std::string why) {
  if (is_closed_) return;
  say("no connection to the bus, trying again: " + why);
  leave();
  asking_.reset();
  watches_.clear();
  if (connection_) connection_->close();  // also where sd-bus broke off: whoever waits for an answer gets none
  connection_.reset();
  retry([](Follower& self) { self.connect(); });
}

void Follower::retry(std::function<void(Follower&)> what) {
  retry_.expires_after(pause_);
  pause_ = std::min(pause_ * 2, kLastPause);
  retry_.async_wait([weak = weak_from_this(), what = std::move(what)](const boost::system::error_code& failure) {
    const auto self = weak.lock();
    if (!failure && self && !self->is_closed_) what(*self);
  });
}

Result<void> Follower::watch() {
  const auto add = [this](const char* match, sd_bus_message_handler_t callback) {
    sd_bus_slot* slot = nullptr;
    // Not waited for: the bus takes it before what we ask behind it.
    const int result = sd_bus_add_match_async(connection_->bus(), &slot, match, callback, nullptr, this);
    watches_.emplace_back(slot);
    return result;
  };
  int result = add(kOwnerChanged, on_owner_changed);
  if (result >= 0) result = add(kObjectSignals, on_signal);
  if (result >= 0) result = add(kPropertySignals, on_signal);
  if (result < 0) return from_errno(-result, "watch the bus");
  return {};
}

Result<void> Follower::ask_owner() {
  auto question = connection_->make_call(kBusName, kBusPath, kBusName, "GetNameOwner");
  if (!question) return question.error();
  int result = sd_bus_message_append_basic(question->get(), 's', kBlueZ);
  sd_bus_slot* slot = nullptr;
  if (result >= 0) {
    result = sd_bus_call_async(connection_->bus(), &slot, question->get(), on_owner, this,
                               static_cast<std::uint64_t>(kBusAnswers.count()));
  }
  if (result < 0) return from_errno(-result, "ask the bus for bluetoothd");
  asking_.reset(slot);
  connection_->kick();
  return {};
}

int Follower::on_owner(sd_bus_message* message, void* userdata, sd_bus_error* /*error*/) {
  auto& self = *static_cast<Follower*>(userdata);
  const sd_bus_error* const failure = sd_bus_message_get_error(message);
  if (failure == nullptr) {
    self.pause_ = kFirstPause;
    const auto owner = bus::read_string(message);
    if (owner) self.owner_is(*owner);
  } else if (sd_bus_error_has_name(failure, SD_BUS_ERROR_NAME_HAS_NO_OWNER) > 0) {
    self.pause_ = kFirstPause;
    self.say("bluetoothd does not run, waiting for it");
  } else {
    asio::post(self.executor_, [weak = self.weak_from_this(), why = text_of(failure)] {
      if (const auto held = weak.lock()) held->lose(why);
    });
  }
  return 1;
}

int Follower::on_owner_changed(sd_bus_message* message, void* userdata, sd_bus_error* /*error*/) {
  if (!is_from(message, kBusName)) return 0;
  const char* name = nullptr;
  const char* before = nullptr;
  const char* after = nullptr;
  if (sd_bus_message_read(message, "sss", &name, &before, &after) < 0) return 0;
  if (std::string_view(name) == kBlueZ) static_cast<Follower*>(userdata)->owner_is(after);
  return 0;
}

// ------------------------------------------------------------------------------------------------------- bluetoothd

void Follower::owner_is(const std::string& owner) {
  if (owner == owner_) return;
  if (!owner_.empty()) leave();
  owner_ = owner;
  if (owner_.empty()) return say("bluetoothd has gone, waiting for it");
  pause_ = kFirstPause;
  ask_objects();
}

/// Whoever owned the name, or the bus, is not there any more.
void Follower::leave() {
  owner_.clear();
  retry_.cancel();
  is_there_ = false;
  objects_.clear();
  if (events_.gone) events_.gone();
  tell_changed();
}

void Follower::ask_objects() {
  if (owner_.empty() || !connection_) return;
  auto question =
      connection_->make_call(owner_.c_str(), "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
  sd_bus_slot* slot = nullptr;
  int result = -ENOMEM;
  if (question) {
    sd_bus_message_set_auto_start(question->get(), 0);
    result = sd_bus_call_async(connection_->bus(), &slot, question->get(), on_objects, this,
                               static_cast<std::uint64_t>(kBusAnswers.count()));
  }
  if (result < 0) return retry([](Follower& self) { self.ask_objects(); });
  asking_.reset(slot);
  connection_->kick();
}

int Follower::on_objects(sd_bus_message* message, void* userdata, sd_bus_error* /*error*/) {
  auto& self = *static_cast<Follower*>(userdata);
  self.objects_.clear();
  Result<void> read;
  if (const sd_bus_error* const failure = sd_bus_message_get_error(message)) {
    read = error_of(failure->name, text_of(failure), "ask bluetoothd for its objects");
  } else {
    read = read_managed_objects(message, [&self](const Told& told) { self.take(told); });
  }
  if (!read) {
    self.say(read.error().message);
    self.retry([](Follower& one) { one.ask_objects(); });
    return 1;
  }
  self.is_there_ = true;
  self.pause_ = kFirstPause;
  self.say("bluetoothd is there, adapters: " + std::to_string(self.objects_.adapters().size()));
  self.tell_changed();
  return 1;
}

int Follower::on_signal(sd_bus_message* message, void* userdata, sd_bus_error* /*error*/) {
  auto& self = *static_cast<Follower*>(userdata);
  if (self.owner_.empty() || !is_from(message, self.owner_)) return 0;
  // One that cannot be read says nothing: bluetoothd is not hostile, only newer perhaps.
  const auto take = [&self](const Told& told) { self.take(told); };
  if (sd_bus_message_is_signal(message, nullptr, "PropertiesChanged") > 0) {
    static_cast<void>(read_changed(message, take));
  } else if (sd_bus_message_is_signal(message, nullptr, "InterfacesAdded") > 0) {
    static_cast<void>(read_added(message, take));
  } else if (sd_bus_message_is_signal(message, nullptr, "InterfacesRemoved") > 0) {
    const auto removed = read_removed(message);
    if (!removed) return 0;
    for (const std::string& interface : removed->interfaces) {
      if (self.objects_.remove(removed->path, interface)) self.tell_changed();
    }
  }
  return 0;
}

void Follower::take(const Told& told) {
  bool is_other = objects_.apply(told.path, told.interface, told.properties);
  is_other |= objects_.invalidate(told.path, told.interface, told.gone);
  if (is_other) tell_changed();
  if (told.value && is_there_ && events_.notified) events_.notified(told.path, *told.value);
}

void Follower::tell_changed() {
  if (is_telling_ || is_closed_) return;
  is_telling_ = true;
  asio::post(executor_, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->is_telling_ = false;
    if (self->events_.changed) self->events_.changed();
  });
}

}  // namespace hg::ble
