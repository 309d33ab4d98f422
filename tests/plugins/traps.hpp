// SPDX-License-Identifier: Apache-2.0
// What the tests of the known traps share (reference smp.md, section 8): a plugin's program and an smp_child with
// the fault, a stranger who had the line before and shows that the fault is there, and images that are out of the
// ordinary.
#pragma once

#include <openssl/sha.h>
#include <poll.h>
#include <sys/inotify.h>
#include <termios.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "plugins/plugin_bench.hpp"
#include "smp/console.hpp"
#include "smp/image_group.hpp"
#include "smp/os_group.hpp"
#include "smp/packet.hpp"
#include "smp/upload_request.hpp"

namespace hg {

/// A program that talks to a child over its tty: what another client did before headgate came. It waits for one answer
/// and repeats nothing.
class Stranger {
 public:
  explicit Stranger(const std::string& tty) : fd_(::open(tty.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    termios settings{};
    if (fd_.get() < 0 || ::tcgetattr(fd_.get(), &settings) != 0) throw std::runtime_error("no tty at " + tty);
    ::cfmakeraw(&settings);
    ::tcsetattr(fd_.get(), TCSANOW, &settings);
  }

  /// The body of the answer; nothing: silence.
  std::optional<Bytes> ask(smp::Command command, Bytes packet, std::chrono::milliseconds patience = 5s) {
    smp::put_header(packet, command, 1, ++sequence_);
    Bytes lines;
    smp::encode_console(packet, lines);
    return ask_with(command, lines, patience);
  }
  /// The same with lines made by the test.
  std::optional<Bytes> ask_with(smp::Command command, const Bytes& lines, std::chrono::milliseconds patience) {
    if (::write(fd_.get(), lines.data(), lines.size()) != static_cast<ssize_t>(lines.size())) {
      throw std::runtime_error("the tty takes nothing");
    }
    const auto end = std::chrono::steady_clock::now() + patience;
    std::optional<Bytes> body;
    const auto take = [&](const Bytes& answer) {
      const auto header = smp::header_of(answer);
      if (!header || !smp::answers(*header, command, sequence_)) return;
      body = Bytes(answer.begin() + static_cast<std::ptrdiff_t>(smp::kHeaderSize), answer.end());
    };
    while (!body && wait_readable(end)) {
      Bytes block(4096);
      const ssize_t size = ::read(fd_.get(), block.data(), block.size());
      if (size <= 0) throw std::runtime_error("the tty is gone");
      decoder_.feed(ByteView(block).first(static_cast<std::size_t>(size)), take);
    }
    return body;
  }

  /// The next piece of an upload; the offset that the child asks for then.
  std::optional<std::uint64_t> send_piece(const McubootImage& image, std::uint64_t offset,
                                          std::chrono::milliseconds patience = 5s) {
    Bytes packet;
    const smp::UploadSource source{plugin::ImageView(image.descriptor()), image.file.size(), image.sha256, 0, false};
    if (!smp::fill_upload_request(source, offset, 900, 4, packet)) throw std::runtime_error("no piece");
    const auto body = ask(smp::kImageUpload, std::move(packet), patience);
    if (!body) return std::nullopt;
    const auto answer = smp::upload_answer_in(*body);
    if (!answer) throw std::runtime_error(answer.error().message);
    return answer->offset;
  }
  /// From the beginning until `most` bytes are there; where it stopped.
  std::uint64_t upload(const McubootImage& image, std::uint64_t most = UINT64_MAX) {
    std::uint64_t offset = 0;
    do offset = send_piece(image, offset).value();
    while (offset < std::min<std::uint64_t>(most, image.file.size()));
    return offset;
  }

 private:
  bool wait_readable(std::chrono::steady_clock::time_point end) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd ready{fd_.get(), POLLIN, 0};
    return left > 0ms && ::poll(&ready, 1, static_cast<int>(left.count())) == 1;
  }

  UniqueFd fd_;
  smp::ConsoleDecoder decoder_;
  std::uint8_t sequence_ = 0;
};

// ----------------------------------------------------------------------------------------------------------- images

/// How an image ends: its TLV areas, unsigned.
struct Ending {
  Bytes protected_entries{};   ///< without the head of the area
  std::size_t hash_size = 32;  ///< 0: none; 32, 64
};

inline void append_area(Bytes& file, std::uint8_t magic, const Bytes& entries) {
  const std::size_t size = 4 + entries.size();
  const Bytes head = {magic, 0x69, static_cast<std::uint8_t>(size), static_cast<std::uint8_t>(size >> 8U)};
  file.insert(file.end(), head.begin(), head.end());
  file.insert(file.end(), entries.begin(), entries.end());
}

/// `image` with another ending; its digests are those of the result, `hash` also where the file does not have it.
inline McubootImage with_ending(McubootImage image, const Ending& ending) {
  constexpr std::size_t kUsualEnding = 40;
  Bytes& file = image.file;
  file.resize(file.size() - kUsualEnding);
  if (!ending.protected_entries.empty()) {
    file[10] = static_cast<std::uint8_t>(4 + ending.protected_entries.size());
    append_area(file, 0x08, ending.protected_entries);
  }
  Bytes hash(ending.hash_size == 64 ? SHA512_DIGEST_LENGTH : SHA256_DIGEST_LENGTH);
  if (ending.hash_size == 64) {
    SHA512(file.data(), file.size(), hash.data());
  } else {
    SHA256(file.data(), file.size(), hash.data());
  }
  image.hash = *Digest::from_bytes(hash);
  Bytes entry;
  if (ending.hash_size != 0) {
    entry = {static_cast<std::uint8_t>(ending.hash_size == 64 ? 0x12 : 0x10), 0, static_cast<std::uint8_t>(hash.size()),
             0};
    entry.insert(entry.end(), hash.begin(), hash.end());
  }
  append_area(file, 0x07, entry);
  Bytes sha256(SHA256_DIGEST_LENGTH);
  SHA256(file.data(), file.size(), sha256.data());
  image.sha256 = *Digest::from_bytes(sha256);
  return image;
}

/// The protected TLV of an image that runs only beside version 1.`minor`.0 or later of another image number.
inline Bytes dependency_on(std::uint8_t number, std::uint8_t minor) {
  return {0x40, 0, 12, 0, number, 0, 0, 0, 1, minor, 0, 0, 0, 0, 0, 0};
}

// ---------------------------------------------------------------------------------------------------------- fixture

class TrapsTest : public PluginTest {
 protected:
  using PluginTest::PluginTest;
  using Values = wire::ProfileValues;
  static std::int64_t ms(std::chrono::milliseconds time) { return time.count(); }

  /// headgate comes to a child that was started before.
  void serve(const Values& more = {}) {
    Values values = {{"reset_delay_ms", ms(20ms)},
                     {"boot_silence_ms", ms(50ms)},
                     {"chunk_ms", ms(1s)},
                     {"erase_ms", ms(4s)},
                     {"last_ms", ms(4s)}};
    for (const auto& [name, value] : more) values[name] = value;
    enroll(values);
    start_plugin(plugin_options_);
    await_link(true);
  }

  /// Until `fact`, which is about the child's own files, holds; it is looked at whenever one of them changes.
  void await_child(const std::function<bool()>& fact) {
    const UniqueFd changes(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    ::inotify_add_watch(changes.get(), (directory_.path / "state").c_str(), IN_MODIFY | IN_MOVED_TO);
    asio::posix::stream_descriptor watched(loop_.io, ::dup(changes.get()));
    std::function<void(boost::system::error_code)> watch = [&](boost::system::error_code failure) {
      char events[4096];
      while (::read(changes.get(), events, sizeof events) > 0) continue;
      if (!failure) watched.async_wait(asio::posix::stream_descriptor::wait_read, watch);
    };
    watched.async_wait(asio::posix::stream_descriptor::wait_read, watch);
    loop_.until(fact);
    watched.cancel();
    loop_.settle();
  }
  void reset_button() {
    const auto resets = counter("resets");
    device_->signal(SIGHUP);
    await_child([&] { return counter("resets") == resets + 1; });
  }

  [[nodiscard]] std::string child_log() const {
    std::ifstream file(directory_.path / "state" / "log");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] Bytes flash(unsigned slot) const {
    std::ifstream file(directory_.path / "state" / ("slot" + std::to_string(slot) + ".bin"), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  core::StepAnswer bring(const McubootImage& image, std::uint8_t number = 0) {
    return perform(core::Deliver{image.sha256, image.file.size(), number, image.hash}, image.descriptor());
  }
  void expect_brought(const McubootImage& image, std::uint8_t number = 0) {
    const auto brought = bring(image, number);
    ASSERT_TRUE(std::holds_alternative<core::Delivered>(brought)) << text_of(brought);
  }
  void expect_failed(const core::StepAnswer& answer, Errc code, std::string_view part) {
    const auto* failed = std::get_if<core::StepFailed>(&answer);
    ASSERT_NE(failed, nullptr) << "it did not fail";
    EXPECT_EQ(failed->error.code, code) << failed->error.message;
    EXPECT_THAT(failed->error.message, testing::HasSubstr(std::string(part)));
  }
  static std::optional<core::Slot> slot_of(const core::Inspection& seen, std::uint8_t image, std::uint8_t slot) {
    for (const core::Slot& one : seen.slots) {
      if (one.image == image && one.slot == slot) return one;
    }
    return std::nullopt;
  }
  void expect_image_runs(const core::Inspection& seen, std::uint8_t number, const McubootImage& image, bool confirmed) {
    const auto slot = slot_of(seen, number, 0);
    ASSERT_TRUE(slot.has_value()) << "image " << int{number};
    EXPECT_TRUE(slot->active);
    EXPECT_EQ(slot->digest, image.hash) << "image " << int{number};
    EXPECT_EQ(slot->confirmed, confirmed) << "image " << int{number};
  }

  McubootImage small_{2000, 2, 3};
};

class SmpTraps : public TrapsTest {
 protected:
  SmpTraps() : TrapsTest("serial") { child_.address = tty(); }
  [[nodiscard]] std::string tty() const { return directory_.path / "tty"; }
  [[nodiscard]] Arguments link_arguments() const override { return {"--link", tty()}; }
  [[nodiscard]] Stranger stranger() const { return Stranger(tty()); }
};

}  // namespace hg
