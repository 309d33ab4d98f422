// SPDX-License-Identifier: Apache-2.0
// The drop box as a directory, watched by inotify(7). A file counts when it was closed after writing, or moved in, so
// that a half-written one is never read by who moves it in; links, directories and names that begin with a dot are left
// alone. Made by app.
#pragma once

#include <sys/stat.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>

#include "base/unique_fd.hpp"
#include "ports/drop_box.hpp"
#include "ports/journal.hpp"

namespace hg::system {

class DropDirectory final : public ports::DropBox {
 public:
  /// Makes the directory if it is not there. Errc::io. `journal` outlives it.
  static Result<std::unique_ptr<DropDirectory>> open(const boost::asio::any_io_executor& executor,
                                                     const std::filesystem::path& path, ports::Journal& journal);

  [[nodiscard]] boost::asio::awaitable<Result<ports::Dropped>> next() override;
  void taken(const std::string& name) override;
  void refused(const std::string& name) override;
  void again(const std::string& name) override;

 private:
  DropDirectory(const boost::asio::any_io_executor& executor, UniqueFd directory, UniqueFd watch,
                ports::Journal& journal);

  /// What was read; another file of its name, or other content, has another one.
  struct Content {
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t written_ns = 0;

    friend bool operator==(const Content&, const Content&) = default;
  };
  static Content content_of(const struct stat& facts);

  void list();
  boost::asio::awaitable<Result<void>> wait();
  void take_events();
  [[nodiscard]] Result<Bytes> read(const std::string& name);
  [[nodiscard]] bool is_still_what_was_read(const std::string& name);
  void complain(const std::string& name, const std::string& what);

  UniqueFd directory_;
  boost::asio::posix::stream_descriptor watch_;
  ports::Journal& journal_;
  std::deque<std::string> waiting_;
  std::map<std::string, Content> read_;  // by name; until it is known what becomes of it
};

}  // namespace hg::system
