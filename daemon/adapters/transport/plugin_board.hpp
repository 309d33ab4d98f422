// SPDX-License-Identifier: Apache-2.0
// The board that plugins connect to: ports::Transport over docs/plugin-protocol.md. It decides who may be which plugin
// (by the uid that the kernel vouches for, never by what Hello claims), brings each step to the right one, and tells
// when a plugin or a link is lost. It starts no plugins and remembers nothing of what they did. app makes one;
// service/deliver calls perform().
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ports/clock.hpp"
#include "ports/journal.hpp"
#include "ports/transport.hpp"
#include "wire/frames.hpp"

namespace hg::transport {

/// Who may be which plugin. Several uids may be bound to one transport, but one plugin at a time is served.
struct Binding {
  std::string transport;
  uid_t uid = 0;
};

/// What a profile says to plugins: the values of its tables, by transport. They reach the plugin with Enroll.
using TransportTables = std::map<std::string, wire::ProfileValues>;

struct BoardSettings {
  std::filesystem::path socket;  ///< e.g. /run/headgate/plugins.sock; its directory exists
  mode_t mode = 0660;
  std::optional<gid_t> group;  ///< of the socket file; none: as the directory has it
  std::vector<Binding> bindings;
  std::string software;  ///< "headgated 0.1.0", for Welcome
  Duration hello{5000};  ///< a connection that has not said Hello by then is closed
};

class PluginBoard final : public ports::Transport {
 public:
  /// `clock` and `journal` must outlive the board. Nothing happens before start().
  PluginBoard(boost::asio::any_io_executor executor, ports::Clock& clock, ports::Journal& journal,
              BoardSettings settings);
  PluginBoard(const PluginBoard&) = delete;
  PluginBoard& operator=(const PluginBoard&) = delete;
  ~PluginBoard() override;

  /// Listens. Errc::exists when another daemon does so already.
  Result<void> start();

  /// Stops listening and closes every connection; steps in progress fail with Errc::unavailable.
  void stop();

  /// What profiles say to plugins, by the profile's name. Takes effect at the next enroll().
  void set_profiles(std::map<std::string, TransportTables> profiles);
  /// One more, or another one of that name: of a child that is enrolled beside the configuration.
  void add_profile(const std::string& name, TransportTables tables);

  /// The bindings after a reload. Plugins that are connected stay.
  void set_bindings(std::vector<Binding> bindings);

  [[nodiscard]] boost::asio::awaitable<Outcome> perform(core::Enrollment child, core::Step step, core::Epoch epoch,
                                                        UniqueFd blob, Progress progress) override;
  [[nodiscard]] boost::asio::awaitable<Result<Bytes>> identify(core::Enrollment child, Bytes nonce) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> prove(core::Enrollment child, Bytes proof) override;
  void enroll(std::span<const core::Enrollment> children) override;
  void take_link_keys_from(LinkKeySource source) override;
  void link_key_changed(const core::ChildId& child) override;
  [[nodiscard]] std::optional<ports::Radio> radio(const core::ChildId& child) const override;
  void listen(LinkListener listener) override;
  void listen_for_strangers(MeetingListener listener) override;

 private:
  class Board;
  std::shared_ptr<Board> board_;  // shared with its coroutines, which may end after this object
};

}  // namespace hg::transport
