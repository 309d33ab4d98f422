// SPDX-License-Identifier: Apache-2.0
// Writes down what passes over a link, packet by packet, for a person who asks what a child did, and for tests that
// replay it (docs/recording.md has the format). A recording contains the firmware and whatever else was sent: its
// directory must be private. Made by a plugin's main() when --record was given; it changes nothing of what passes.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/unique_fd.hpp"
#include "smp/smp_driver.hpp"

namespace hg::smp {

/// One session: a text file that ends at `most` bytes, or when it cannot be written any more.
class Recording {
 public:
  static constexpr std::size_t kMost = 16U << 20U;

  Recording() = default;
  /// `fd`: empty, to append to. `begin`: what times are counted from.
  Recording(UniqueFd fd, SteadyTime begin, std::size_t most = kMost) : fd_(std::move(fd)), begin_(begin), left_(most) {}

  void note(std::string_view text);                        ///< "# text"
  void sent(ByteView packet);                              ///< "<microseconds> > <hex>"
  void received(ByteView packet);                          ///< "<microseconds> < <hex>"
  void failed(std::string_view what, const Error& error);  ///< "# <microseconds> what: why"

 private:
  void line(std::string text);
  [[nodiscard]] std::string now() const;

  UniqueFd fd_;  // none: it is over
  SteadyTime begin_{};
  std::size_t left_ = 0;  // bytes
};

/// The directory of --record: a file for each child and opening of its link, the oldest removed when there are many.
class RecordingDirectory {
 public:
  static constexpr std::size_t kMostFiles = 32;

  /// Makes the directory when it is missing. Errc::denied: others may look into it; Errc::io.
  static Result<std::shared_ptr<RecordingDirectory>> open(std::filesystem::path path, std::string software,
                                                          plugin::Log log);

  RecordingDirectory(std::filesystem::path path, std::string software, plugin::Log log)
      : path_(std::move(path)), software_(std::move(software)), log_(std::move(log)) {}

  /// An empty one, with a word in the log, when the file cannot be made.
  [[nodiscard]] Recording begin(const std::string& child, Link::Opening opening) const;

 private:
  void make_room() const;

  std::filesystem::path path_;
  std::string software_;
  plugin::Log log_;
};

class RecordedLink final : public RunningLink {
 public:
  RecordedLink(std::shared_ptr<RunningLink> link, std::shared_ptr<const RecordingDirectory> directory,
               std::string child);

  boost::asio::awaitable<Result<void>> write(ByteView packet, SteadyTime deadline) override;
  boost::asio::awaitable<Result<Bytes>> read(SteadyTime deadline) override;
  void resynchronize() override { link_->resynchronize(); }
  [[nodiscard]] const Limits& limits() const override { return link_->limits(); }
  void set_line_gap(Milliseconds gap) override { link_->set_line_gap(gap); }
  void child_says_level(std::uint8_t level) override { link_->child_says_level(level); }
  [[nodiscard]] Opening opening() const override { return link_->opening(); }
  void close() override { link_->close(); }

 private:
  /// The file of the opening that the link is in.
  Recording& recording();

  std::shared_ptr<RunningLink> link_;
  std::shared_ptr<const RecordingDirectory> directory_;
  std::string child_;
  Recording recording_;
  std::uint64_t opening_ = 0;
};

/// `open` with each link that it makes recorded in `directory`; `open` itself when that is empty. Errors of
/// RecordingDirectory::open.
Result<OpenLink> with_recording(OpenLink open, const std::filesystem::path& directory, std::string software,
                                plugin::Log log);

}  // namespace hg::smp
