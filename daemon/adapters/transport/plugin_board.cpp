// SPDX-License-Identifier: Apache-2.0
#include "adapters/transport/plugin_board.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "adapters/transport/deadline.hpp"
#include "adapters/transport/listening_socket.hpp"
#include "adapters/transport/plugin_connection.hpp"
#include "wire/limits.hpp"

namespace hg::transport {
namespace asio = boost::asio;
namespace {

constexpr unsigned kMaxGuests = 8;         // connections that have not been let in yet
constexpr double kConnectionsAtOnce = 32;  // of one transport
constexpr double kConnectionsPerSecond = 0.5;
constexpr Duration kPauseAfterFailedAccept{1000};

std::string peer_text(const wire::Channel::Peer& peer) {
  return " (uid " + std::to_string(peer.uid) + ", pid " + std::to_string(peer.pid) + ")";
}

Error not_connected(const std::string& transport) {
  return {Errc::unavailable, "the plugin \"" + transport + "\" is not connected"};
}

}  // namespace

/// Everything that coroutines refer to. The clock and the journal are used only between start() and stop().
class PluginBoard::Board : public std::enable_shared_from_this<Board> {
 public:
  Board(Surroundings around, BoardSettings settings)
      : around_(std::move(around)), settings_(std::move(settings)), socket_(around_.executor) {}

  Result<void> start();
  void stop();
  void enroll(std::span<const core::Enrollment> children);
  void link_key_changed(const core::ChildId& child) const;
  std::shared_ptr<PluginConnection> plugin(const std::string& transport) const;
  std::optional<ports::Radio> radio(const core::ChildId& child) const;

  std::map<std::string, TransportTables> profiles;
  ports::Transport::LinkKeySource key_source;
  ports::Transport::LinkListener listener;
  ports::Transport::MeetingListener meeting_listener;
  BoardSettings& settings() { return settings_; }

 private:
  using Children = std::map<core::ChildId, wire::Enroll>;

  static asio::awaitable<void> accept_for_ever(std::shared_ptr<Board> self);
  static asio::awaitable<void> receive_guest(std::shared_ptr<Board> self, UniqueFd socket);
  asio::awaitable<std::optional<wire::Hello>> hello_of(std::shared_ptr<wire::Channel> channel);
  std::optional<Error> objection_to(const wire::Hello& hello, const wire::Channel::Peer& peer);
  asio::awaitable<void> serve(std::shared_ptr<wire::Channel> channel, wire::Hello hello, wire::Channel::Peer peer);
  void lost(const std::string& transport);
  /// What the child's profile says to its plugin.
  [[nodiscard]] wire::ProfileValues values_for(const core::Enrollment& child) const;
  void say(ports::Level level, const std::string& text) { around_.journal->write(level, {}, text); }

  Surroundings around_;
  BoardSettings settings_;
  ListeningSocket socket_;
  std::map<std::string, Children> children_;  // by transport
  std::map<std::string, std::shared_ptr<PluginConnection>> plugins_;
  std::map<std::string, Allowance> connections_;
  std::vector<std::weak_ptr<wire::Channel>> channels_;  // also of guests
  unsigned guests_ = 0;
  bool running_ = false;
};

// -------------------------------------------------------------------------------------------------- start and stop

Result<void> PluginBoard::Board::start() {
  if (auto opened = socket_.open(settings_.socket, settings_.mode, settings_.group); !opened) return opened.error();
  running_ = true;
  asio::co_spawn(around_.executor, accept_for_ever(shared_from_this()), asio::detached);
  return {};
}

void PluginBoard::Board::stop() {
  running_ = false;
  socket_.close();
  for (const auto& weak : channels_) {
    if (const auto channel = weak.lock()) channel->close();
  }
  channels_.clear();
}

asio::awaitable<void> PluginBoard::Board::accept_for_ever(std::shared_ptr<Board> self) {
  while (self->running_) {
    auto socket = co_await self->socket_.accept();
    if (!self->running_) co_return;
    if (!socket) {
      self->say(ports::Level::error, "plugins: " + socket.error().message);
      static_cast<void>(co_await self->around_.clock->sleep_for(kPauseAfterFailedAccept));
    } else if (self->guests_ == kMaxGuests) {
      self->say(ports::Level::warning, "plugins: too many connections without Hello, one closed");
    } else {
      ++self->guests_;
      asio::co_spawn(self->around_.executor, receive_guest(self, std::move(*socket)), asio::detached);
    }
  }
}

// ------------------------------------------------------------------------------------------------------ letting in

asio::awaitable<void> PluginBoard::Board::receive_guest(std::shared_ptr<Board> self, UniqueFd socket) {
  auto channel = wire::Channel::open(self->around_.executor, std::move(socket));
  const auto peer = channel ? (*channel)->peer() : Result<wire::Channel::Peer>{channel.error()};
  if (!peer) {
    --self->guests_;
    if (self->running_) self->say(ports::Level::error, "plugins: " + peer.error().message);
    co_return;
  }
  std::erase_if(self->channels_, [](const auto& weak) { return weak.expired(); });
  self->channels_.push_back(*channel);
  const auto hello = co_await self->hello_of(*channel);
  --self->guests_;
  if (!hello || !self->running_) {
    (*channel)->close();
    co_return;
  }
  if (const auto objection = self->objection_to(*hello, *peer)) {
    self->say(ports::Level::warning,
              "plugins: \"" + hello->transport + "\" refused: " + objection->message + peer_text(*peer));
    static_cast<void>((*channel)->send(wire::Refused{objection->code, wire::bounded_text(objection->message)}));
    (*channel)->close();
    co_return;
  }
  co_await self->serve(*channel, *hello, *peer);
}

asio::awaitable<std::optional<wire::Hello>> PluginBoard::Board::hello_of(std::shared_ptr<wire::Channel> channel) {
  bool too_late = false;
  const auto expire = [channel, &too_late] {
    too_late = true;
    channel->close();
  };
  const Deadline deadline(around_.executor, *around_.clock, settings_.hello, expire);
  auto arrival = co_await channel->receive();
  if (!running_) co_return std::nullopt;
  if (!arrival) {
    const std::string why = too_late ? "no Hello in time" : arrival.error().message;
    say(ports::Level::warning, "plugins: connection without Hello closed: " + why);
    co_return std::nullopt;
  }
  if (const auto* hello = std::get_if<wire::Hello>(&arrival->frame)) co_return *hello;
  const std::string name(wire::name_of(arrival->frame));
  say(ports::Level::warning, "plugins: connection without Hello closed: it began with " + name);
  co_return std::nullopt;
}

std::optional<Error> PluginBoard::Board::objection_to(const wire::Hello& hello, const wire::Channel::Peer& peer) {
  const auto is_bound = [&](const Binding& binding) {
    return binding.transport == hello.transport && binding.uid == peer.uid;
  };
  if (std::ranges::none_of(settings_.bindings, is_bound)) {
    return Error{Errc::denied, "this user may not be this plugin"};
  }
  if (hello.lowest_version > wire::kHighestVersion || hello.highest_version < wire::kLowestVersion) {
    return Error{Errc::unsupported, "no common protocol version, the daemon speaks 1"};
  }
  if (plugins_.contains(hello.transport)) return Error{Errc::busy, "it is connected already"};
  auto [allowance, made] = connections_.try_emplace(hello.transport, kConnectionsAtOnce, kConnectionsPerSecond);
  if (!allowance->second.take(around_.clock->now())) return Error{Errc::busy, "it connects too often"};
  return std::nullopt;
}

asio::awaitable<void> PluginBoard::Board::serve(std::shared_ptr<wire::Channel> channel, wire::Hello hello,
                                                wire::Channel::Peer peer) {
  const std::string transport = hello.transport;
  say(ports::Level::notice, "plugin " + transport + ": connected: " + hello.software + peer_text(peer));
  const std::uint64_t version = std::min(hello.highest_version, wire::kHighestVersion);
  static_cast<void>(channel->send(wire::Welcome{version, settings_.software}));  // a closed channel ends serve()
  const std::weak_ptr<Board> weak = weak_from_this();
  const auto key_of = [weak](const core::ChildId& child) {
    const auto board = weak.lock();
    return board && board->key_source ? board->key_source(child) : ports::Transport::LinkKey{};
  };
  const auto connection = std::make_shared<PluginConnection>(around_, channel, std::move(hello), key_of);
  plugins_[transport] = connection;
  connection->enroll(children_[transport]);
  const auto pass_on = [weak](core::LinkChanged change) {
    const auto board = weak.lock();
    if (board && board->listener) board->listener(std::move(change));
  };
  const auto pass_on_meeting = [weak](ports::Transport::Meeting meeting) {
    const auto board = weak.lock();
    if (board && board->running_ && board->meeting_listener) board->meeting_listener(std::move(meeting));
  };
  const Error end = co_await connection->serve(pass_on, pass_on_meeting);
  plugins_.erase(transport);
  if (!running_) co_return;
  const bool is_breach = end.code == Errc::invalid || end.code == Errc::too_large;
  say(is_breach ? ports::Level::warning : ports::Level::notice,
      "plugin " + transport + ": connection closed: " + end.message);
  lost(transport);
}

// -------------------------------------------------------------------------------------------------------- children

void PluginBoard::Board::lost(const std::string& transport) {
  const Children children = children_[transport];  // a copy: the listener may enroll
  for (const auto& [child, enrolled] : children) {
    if (listener) listener({child, false, not_connected(transport).message});
  }
}

std::shared_ptr<PluginConnection> PluginBoard::Board::plugin(const std::string& transport) const {
  const auto found = plugins_.find(transport);
  return found == plugins_.end() ? nullptr : found->second;
}

wire::ProfileValues PluginBoard::Board::values_for(const core::Enrollment& child) const {
  const auto profile = profiles.find(child.profile);
  if (profile == profiles.end()) return {};
  const auto table = profile->second.find(child.transport);
  return table == profile->second.end() ? wire::ProfileValues{} : table->second;
}

void PluginBoard::Board::enroll(std::span<const core::Enrollment> children) {
  children_.clear();
  for (const core::Enrollment& child : children) {
    children_[child.transport][child.id] = {child.id, child.address, values_for(child)};
  }
  for (const auto& [transport, connection] : plugins_) connection->enroll(children_[transport]);
  // Later, so that the caller has said that the children are enrolled before it hears that they cannot be reached.
  const auto tell_lost = [weak = weak_from_this()] {
    const auto board = weak.lock();
    if (!board) return;
    for (const auto& [transport, list] : board->children_) {
      if (!board->plugins_.contains(transport)) board->lost(transport);
    }
  };
  asio::post(around_.executor, tell_lost);
}

void PluginBoard::Board::link_key_changed(const core::ChildId& child) const {
  for (const auto& [transport, connection] : plugins_) connection->link_key_changed(child);
}

std::optional<ports::Radio> PluginBoard::Board::radio(const core::ChildId& child) const {
  for (const auto& [transport, connection] : plugins_) {
    if (auto radio = connection->radio(child)) return radio;
  }
  return std::nullopt;
}

// ------------------------------------------------------------------------------------------------- ports::Transport

PluginBoard::PluginBoard(asio::any_io_executor executor, ports::Clock& clock, ports::Journal& journal,
                         BoardSettings settings)
    : board_(std::make_shared<Board>(Surroundings{std::move(executor), &clock, &journal}, std::move(settings))) {}

PluginBoard::~PluginBoard() {
  stop();
}

Result<void> PluginBoard::start() {
  return board_->start();
}

void PluginBoard::stop() {
  board_->stop();
}

void PluginBoard::set_profiles(std::map<std::string, TransportTables> profiles) {
  board_->profiles = std::move(profiles);
}

void PluginBoard::add_profile(const std::string& name, TransportTables tables) {
  board_->profiles.insert_or_assign(name, std::move(tables));
}

void PluginBoard::set_bindings(std::vector<Binding> bindings) {
  board_->settings().bindings = std::move(bindings);
}

asio::awaitable<ports::Transport::Outcome> PluginBoard::perform(core::Enrollment child, core::Step step,
                                                                core::Epoch epoch, UniqueFd blob, Progress progress) {
  const auto connection = board_->plugin(child.transport);
  if (!connection) {
    Outcome outcome{core::StepFailed{not_connected(child.transport)}, {}};
    co_return outcome;
  }
  co_return co_await connection->ask(std::move(child), std::move(step), epoch, std::move(blob), std::move(progress));
}

asio::awaitable<Result<Bytes>> PluginBoard::identify(core::Enrollment child, Bytes nonce) {
  const auto connection = board_->plugin(child.transport);
  if (!connection) co_return not_connected(child.transport);
  co_return co_await connection->identify(std::move(child), std::move(nonce));
}

asio::awaitable<Result<void>> PluginBoard::prove(core::Enrollment child, Bytes proof) {
  const auto connection = board_->plugin(child.transport);
  if (!connection) co_return not_connected(child.transport);
  co_return co_await connection->prove(std::move(child), std::move(proof));
}

void PluginBoard::enroll(std::span<const core::Enrollment> children) {
  board_->enroll(children);
}

void PluginBoard::take_link_keys_from(LinkKeySource source) {
  board_->key_source = std::move(source);
}

void PluginBoard::link_key_changed(const core::ChildId& child) {
  board_->link_key_changed(child);
}

std::optional<ports::Radio> PluginBoard::radio(const core::ChildId& child) const {
  return board_->radio(child);
}

void PluginBoard::listen(LinkListener listener) {
  board_->listener = std::move(listener);
}

void PluginBoard::listen_for_strangers(MeetingListener listener) {
  board_->meeting_listener = std::move(listener);
}

}  // namespace hg::transport
