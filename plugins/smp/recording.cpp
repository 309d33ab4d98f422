// SPDX-License-Identifier: Apache-2.0
#include "smp/recording.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <utility>
#include <vector>

namespace hg::smp {
namespace asio = boost::asio;
namespace {

namespace fs = std::filesystem;

constexpr const char* kEnding = ".smp-session";
constexpr std::size_t kLongestName = 64;  // of a child, in the name of a file

/// The child's name as part of a file's name.
std::string file_part(std::string_view child) {
  std::string part(child.substr(0, kLongestName));
  const auto is_fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  std::ranges::replace_if(part, std::not_fn(is_fine), '_');
  return part;
}

/// "20261121T094522Z"
std::string utc_now() {
  const std::time_t now = ::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  return {text.data(), size};
}

/// "limits 8192 window 1 lossy yes lines yes steps 128 182"
std::string text_of(const Link::Limits& limits) {
  const auto yes_or_no = [](bool is_so) { return is_so ? "yes" : "no"; };
  std::string text = "limits " + std::to_string(limits.largest_packet) + " window " +
                     std::to_string(limits.first_window) + " lossy " + yes_or_no(limits.is_lossy_on_overrun) +
                     " lines " + yes_or_no(limits.has_lines) + " steps";
  for (const std::size_t step : limits.steps) text += " " + std::to_string(step);
  return text;
}

}  // namespace

// -------------------------------------------------------------------------------------------------------- one file

void Recording::note(std::string_view text) {
  line("# " + std::string(text));
}

void Recording::sent(ByteView packet) {
  if (fd_) line(now() + " > " + to_hex(packet));
}

void Recording::received(ByteView packet) {
  if (fd_) line(now() + " < " + to_hex(packet));
}

void Recording::failed(std::string_view what, const Error& error) {
  if (fd_) line("# " + now() + " " + std::string(what) + ": " + error.message);
}

std::string Recording::now() const {
  const auto passed = std::chrono::steady_clock::now() - begin_;
  return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(passed).count());
}

void Recording::line(std::string text) {
  static constexpr std::string_view kFull = "# full: the rest is not recorded\n";
  if (!fd_) return;
  std::ranges::replace(text, '\n', ' ');
  text.push_back('\n');
  const bool is_full = text.size() + kFull.size() > left_;
  if (is_full) text = kFull;
  const bool is_written = ::write(fd_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  left_ -= std::min(left_, text.size());
  if (is_full || !is_written) fd_.reset();
}

// -------------------------------------------------------------------------------------------------------- directory

Result<std::shared_ptr<RecordingDirectory>> RecordingDirectory::open(fs::path path, std::string software,
                                                                     plugin::Log log) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return from_errno(errno, "make " + path.native());
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return from_errno(errno, path.native());
  const bool is_private = S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() && (info.st_mode & 077U) == 0;
  if (!is_private) {
    return Error{Errc::denied, "recordings contain firmware: " + path.native() +
                                   " must be a directory of the plugin's user that nobody else may enter (chmod 700)"};
  }
  log("recording all sessions with children in " + path.native() + "; they contain firmware");
  return std::make_shared<RecordingDirectory>(std::move(path), std::move(software), std::move(log));
}

Recording RecordingDirectory::begin(const std::string& child, Link::Opening opening) const {
  make_room();
  const std::string name = file_part(child) + "-" + utc_now() + "-" + std::to_string(::getpid()) + "-" +
                           std::to_string(opening.number) + kEnding;
  const fs::path file = path_ / name;
  UniqueFd fd(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) {
    log_("not recorded: " + from_errno(errno, "make " + file.native()).message);
    return {};
  }
  log_(child + ": recording in " + file.native());
  Recording recording(std::move(fd), opening.at);
  recording.note("headgate session 1");
  recording.note("child " + child + ", opening " + std::to_string(opening.number) + ", " + utc_now() + ", " +
                 software_);
  recording.note("contains what was sent, firmware included");
  return recording;
}

void RecordingDirectory::make_room() const {
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  std::error_code failure;
  for (fs::directory_iterator entry(path_, failure), end; !failure && entry != end; entry.increment(failure)) {
    if (entry->path().extension() == kEnding) files.emplace_back(entry->last_write_time(failure), entry->path());
  }
  if (files.size() < kMostFiles) return;
  std::ranges::sort(files);
  files.resize(files.size() - kMostFiles + 1);
  for (const auto& [time, file] : files) fs::remove(file, failure);
}

// ------------------------------------------------------------------------------------------------------------- link

RecordedLink::RecordedLink(std::shared_ptr<RunningLink> link, std::shared_ptr<const RecordingDirectory> directory,
                           std::string child)
    : link_(std::move(link)), directory_(std::move(directory)), child_(std::move(child)) {}

Recording& RecordedLink::recording() {
  const Opening opening = link_->opening();
  if (opening.number != opening_) {
    opening_ = opening.number;
    recording_ = directory_->begin(child_, opening);
    recording_.note(text_of(link_->limits()));
  }
  return recording_;
}

asio::awaitable<Result<void>> RecordedLink::write(ByteView packet, SteadyTime deadline) {
  recording().sent(packet);
  auto written = co_await link_->write(packet, deadline);
  if (!written) recording().failed("not sent", written.error());
  co_return written;
}

asio::awaitable<Result<Bytes>> RecordedLink::read(SteadyTime deadline) {
  auto packet = co_await link_->read(deadline);
  if (packet) {
    recording().received(*packet);
  } else {
    recording().failed("nothing received", packet.error());
  }
  co_return packet;
}

Result<OpenLink> with_recording(OpenLink open, const fs::path& directory, std::string software, plugin::Log log) {
  if (directory.empty()) return open;
  auto opened = RecordingDirectory::open(directory, std::move(software), std::move(log));
  if (!opened) return opened.error();
  const auto recorded = [open = std::move(open), recordings = std::move(*opened)](
                            const wire::Enroll& child) -> Result<std::shared_ptr<RunningLink>> {
    auto link = open(child);
    if (!link) return link.error();
    return std::shared_ptr<RunningLink>(std::make_shared<RecordedLink>(std::move(*link), recordings, child.child));
  };
  return OpenLink(recorded);
}

}  // namespace hg::smp
