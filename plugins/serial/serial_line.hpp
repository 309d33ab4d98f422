// SPDX-License-Identifier: Apache-2.0
// One serial line with one child at its end: smp::Link over a tty. It finds and opens the tty, reads all the time,
// notices when it vanishes, and waits for it to come back, for ever. How packets stand on it is line_framing's;
// questions, retries and their meaning are in plugins/smp. headgate-serial has one for each child.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "serial/device.hpp"
#include "serial/exclusive_line.hpp"
#include "serial/line_framing.hpp"
#include "smp/inbox.hpp"
#include "smp/smp_driver.hpp"

namespace hg::serial {

struct LineSettings {
  std::string child;
  LineAddress address;
  std::int64_t baud = 115200;
  smp::Profile profile;  ///< framing and its times
};

/// From what Enroll says; Errc::invalid names the value that is wrong.
Result<LineSettings> line_settings_from(const wire::Enroll& child);

class SerialLine final : public smp::RunningLink, public std::enable_shared_from_this<SerialLine> {
 public:
  /// `book`: who has which line; the same for all lines of the plugin.
  SerialLine(const boost::asio::any_io_executor& executor, LineSettings settings, std::shared_ptr<LineBook> book,
             plugin::LinkReport report);

  /// Begins to open and to read; once.
  void start();
  void close() override;

  /// A silence that the framing demands after an error is kept first, and is not counted against the deadline.
  boost::asio::awaitable<Result<void>> write(ByteView packet, smp::SteadyTime deadline) override;
  boost::asio::awaitable<Result<Bytes>> read(smp::SteadyTime deadline) override;
  void resynchronize() override { is_anew_ = true; }
  [[nodiscard]] const Limits& limits() const override { return framing_->limits(); }
  void set_line_gap(smp::Milliseconds gap) override;
  [[nodiscard]] Opening opening() const override { return opening_; }

 private:
  static boost::asio::awaitable<void> run(std::shared_ptr<SerialLine> self);
  Result<void> open();
  boost::asio::awaitable<std::string> read_until_lost();
  void lose(const std::string& why);

  boost::asio::awaitable<Result<void>> write_pieces(smp::SteadyTime deadline);
  boost::asio::awaitable<Result<void>> write_bytes(ByteView bytes, smp::SteadyTime deadline);
  /// Until the line takes bytes again.
  boost::asio::awaitable<Result<void>> wait_for_room(smp::SteadyTime deadline);
  /// Errc::cancelled, or Errc::unavailable when the line goes down in between.
  boost::asio::awaitable<Result<void>> wait_until(smp::SteadyTime time);
  /// The time that bytes take on the wire, since the driver takes them much faster.
  [[nodiscard]] std::chrono::microseconds wire_time(std::size_t bytes) const;

  boost::asio::any_io_executor executor_;
  LineSettings settings_;
  std::shared_ptr<LineBook> book_;
  plugin::LinkReport report_;
  Device device_;
  ExclusiveLine line_;
  boost::asio::posix::stream_descriptor tty_;  // the descriptor of line_
  boost::asio::steady_timer write_timer_;
  smp::Inbox inbox_;
  std::unique_ptr<LineFraming> framing_;
  std::vector<LineFraming::Piece> pieces_;  // of the packet being written
  smp::SteadyTime sent_until_{};            // when the last byte that was written is through
  Opening opening_;
  bool is_anew_ = true;  // half of something may stand in the child's buffer
  bool is_closed_ = false;
};

}  // namespace hg::serial
