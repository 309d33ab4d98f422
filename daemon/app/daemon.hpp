// SPDX-License-Identifier: Apache-2.0
// The composition root: makes the adapters that the configuration asks for, gives them to the service, and runs all
// of it until a signal. The only place that knows the concrete types. Called by main.
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "app/config.hpp"
#include "ports/journal.hpp"

namespace hg::app {

struct Invocation {
  std::filesystem::path config_file;
  std::string bus;      ///< "system", "session" or a D-Bus address
  std::string version;  ///< of this program
  Instant built_at{};   ///< no clock is believed that says less
};

class Daemon {
 public:
  /// Opens everything that must be there before the daemon may call itself ready. `loop` and `journal` outlive it.
  static Result<std::unique_ptr<Daemon>> make(boost::asio::io_context& loop, Invocation invocation, Config config,
                                              ports::Journal& journal);
  ~Daemon();

  /// Until SIGTERM or SIGINT, or until something fails without which the daemon cannot be: the bus name, the socket.
  [[nodiscard]] boost::asio::awaitable<Result<void>> run();

 private:
  struct Parts;
  explicit Daemon(std::unique_ptr<Parts> parts);

  Result<void> listen();
  boost::asio::awaitable<void> watch_signals();
  boost::asio::awaitable<void> keep_watchdog_content();
  boost::asio::awaitable<void> keep_broker();
  void reload();

  std::unique_ptr<Parts> parts_;
};

}  // namespace hg::app
