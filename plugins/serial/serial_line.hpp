// SPDX-License-Identifier: Apache-2.0
// One serial line with one child at its end: smp::Link over a tty in the console framing. It opens the tty, reads all
// the time, notices when it vanishes, and waits for it to come back, for ever. Questions, retries and their meaning are
// in plugins/smp. headgate-serial has one for each child.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <filesystem>
#include <memory>

#include "serial/node_watch.hpp"
#include "smp/console.hpp"
#include "smp/smp_driver.hpp"

namespace hg::serial {

struct LineSettings {
  std::string child;
  std::filesystem::path path;  ///< a tty, or a symlink to one
  std::int64_t baud = 115200;
  smp::Milliseconds line_gap{0};  ///< pause between two lines of a packet
};

/// From what Enroll says; Errc::invalid names the value that is wrong.
Result<LineSettings> line_settings_from(const wire::Enroll& child);

class SerialLine final : public smp::RunningLink, public std::enable_shared_from_this<SerialLine> {
 public:
  SerialLine(const boost::asio::any_io_executor& executor, LineSettings settings, plugin::LinkReport report);

  /// Begins to open and to read; once.
  void start();
  void close() override;

  boost::asio::awaitable<Result<void>> write(ByteView packet, smp::SteadyTime deadline) override;
  boost::asio::awaitable<Result<Bytes>> read(smp::SteadyTime deadline) override;
  void resynchronize() override { newline_first_ = true; }
  [[nodiscard]] Opening opening() const override { return opening_; }

 private:
  static boost::asio::awaitable<void> run(std::shared_ptr<SerialLine> self);
  bool open();
  boost::asio::awaitable<std::string> read_until_lost();
  boost::asio::awaitable<Result<void>> write_bytes(ByteView bytes, smp::SteadyTime deadline);
  /// A newline of its own ends whatever half a line stands in the child's buffer.
  boost::asio::awaitable<Result<void>> clear_childs_line(smp::SteadyTime deadline);
  boost::asio::awaitable<void> pause(smp::Milliseconds duration);
  void lose(const std::string& why);
  [[nodiscard]] Error down_error() const { return Error{Errc::unavailable, "the line is down: " + down_text_}; }

  boost::asio::any_io_executor executor_;
  LineSettings settings_;
  plugin::LinkReport report_;
  NodeWatch watch_;
  boost::asio::posix::stream_descriptor tty_;
  boost::asio::steady_timer arrived_;  // read() waits on it
  boost::asio::steady_timer write_timer_;
  smp::ConsoleDecoder decoder_;
  std::deque<Bytes> inbox_;
  Bytes lines_;  // of the packet being written
  std::string down_text_ = "not opened yet";
  Opening opening_;
  bool newline_first_ = true;
  bool is_closed_ = false;
};

}  // namespace hg::serial
