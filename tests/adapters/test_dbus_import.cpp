// SPDX-License-Identifier: Apache-2.0
// Files that callers lend to the face on a real dbus-daemon: which are read, and what becomes of those that are not
// what they should be.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "adapters/bus/face_on_bus.hpp"
#include "adapters/dbus/lent_file.hpp"

namespace hg::bus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class LentFileOnBus : public FaceOnBus {
 protected:
  Answer import(int file, const char* option = {}) {
    const auto fill = [&](sd_bus_message* call) {
      sd_bus_message_append_basic(call, 'h', &file);
      return option == nullptr ? append(call, Dictionary{}) : append(call, Dictionary{{option, true}});
    };
    return client_.call(kManagerPath, kManagerInterface, "Import", fill);
  }

  static UniqueFd file_of(std::size_t size) {
    UniqueFd file{::memfd_create("envelope", MFD_CLOEXEC)};
    EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
    return file;
  }

  struct Pipe {
    UniqueFd out;
    UniqueFd in;
  };
  static Pipe make_pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
  }
};

TEST_F(LentFileOnBus, IsReadFromWhereItStandsAndPassedOn) {
  open();
  const UniqueFd file = file_of(0);
  ASSERT_EQ(::write(file.get(), "skip envelope", 13), 13);
  ASSERT_EQ(::lseek(file.get(), 5, SEEK_SET), 5);
  const Answer answer = import(file.get());
  ASSERT_TRUE(answer.reply) << answer.text;
  EXPECT_EQ(to_text(answer.reply.get()), "import:1");
  EXPECT_TRUE(std::ranges::equal(control_.envelopes.at(0), as_bytes("envelope")));
  control_.refusal = Error{Errc::busy, "8 imports wait already"};
  ASSERT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
  EXPECT_EQ(import(file.get()).error, "org.headgate.Headgate1.Error.Busy");
  EXPECT_EQ(import(file.get(), "twice").error, SD_BUS_ERROR_INVALID_ARGS);
}

TEST_F(LentFileOnBus, MayBeAPipeThatIsFilledWhileItIsRead) {
  open();
  Pipe pipe = make_pipe();
  const Bytes large(ports::kMaxEnvelope, 0x5a);
  std::thread writer([&] {
    EXPECT_EQ(::write(pipe.in.get(), large.data(), large.size()), static_cast<ssize_t>(large.size()));
    pipe.in.reset();
  });
  const Answer answer = import(pipe.out.get());
  writer.join();
  EXPECT_TRUE(answer.reply) << answer.text;
  EXPECT_EQ(control_.envelopes.at(0), large);
}

TEST_F(LentFileOnBus, IsRefusedWhenItIsNoEnvelopeAnyway) {
  open();
  const UniqueFd zero{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
  const UniqueFd directory{::open("/", O_RDONLY | O_CLOEXEC)};
  const UniqueFd named{::open("/proc/self/exe", O_PATH | O_CLOEXEC)};
  const UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const Pipe closed_early = make_pipe();
  Pipe nothing = make_pipe();
  nothing.in.reset();
  const UniqueFd empty = file_of(0);
  const UniqueFd large = file_of(ports::kMaxEnvelope + 1);
  const UniqueFd endless = file_of(std::size_t{1} << 40);
  struct Row {
    int file;
    const char* error;
    const char* says;
  };
  for (const Row& row : {Row{zero.get(), SD_BUS_ERROR_INVALID_ARGS, "neither a regular file nor a pipe"},
                         Row{directory.get(), SD_BUS_ERROR_INVALID_ARGS, "neither a regular file nor a pipe"},
                         Row{socket.get(), SD_BUS_ERROR_INVALID_ARGS, "neither a regular file nor a pipe"},
                         Row{named.get(), SD_BUS_ERROR_INVALID_ARGS, "not open for reading"},
                         Row{closed_early.in.get(), SD_BUS_ERROR_INVALID_ARGS, "not open for reading"},
                         Row{nothing.out.get(), SD_BUS_ERROR_INVALID_ARGS, "empty"},
                         Row{empty.get(), SD_BUS_ERROR_INVALID_ARGS, "empty"},
                         Row{large.get(), SD_BUS_ERROR_LIMITS_EXCEEDED, "more than 1048576 bytes"},
                         Row{endless.get(), SD_BUS_ERROR_LIMITS_EXCEEDED, "more than 1048576 bytes"}}) {
    const Answer answer = import(row.file);
    EXPECT_EQ(answer.error, row.error) << row.says << ": " << answer.text;
    EXPECT_THAT(answer.text, AllOf(HasSubstr("the file to be imported"), HasSubstr(row.says)));
  }
  EXPECT_TRUE(control_.envelopes.empty());
}

TEST_F(LentFileOnBus, IsNotWaitedForWithoutEndAndOnlySixteenAtATime) {
  open();
  const Pipe silent = make_pipe();  // its writer lives, and never writes
  const int end = silent.out.get();
  const auto fill = [end](sd_bus_message* call) {
    sd_bus_message_append_basic(call, 'h', &end);
    return append(call, Dictionary{});
  };
  std::vector<std::shared_ptr<Answer>> waiting;
  for (unsigned number = 0; number < LentPlaces::kMost; ++number)
    waiting.push_back(client_.post(kBusName, kManagerPath, kManagerInterface, "Import", fill));
  Client other{loop_, bus_.address()};
  const auto one_more = other.post(kBusName, kManagerPath, kManagerInterface, "Import", fill);
  ASSERT_TRUE(eventually(loop_, [&] { return !one_more->error.empty(); }));
  EXPECT_EQ(one_more->error, SD_BUS_ERROR_LIMITS_EXCEEDED);
  sync();
  const auto all_answered = [&] {
    return std::ranges::all_of(waiting, [](const auto& answer) { return !answer->error.empty(); });
  };
  EXPECT_TRUE(eventually(loop_, all_answered) || eventually(loop_, all_answered)) << "ten seconds, and a bit";
  for (const auto& answer : waiting) EXPECT_EQ(answer->error, "org.headgate.Headgate1.Error.TimedOut") << answer->text;
  const UniqueFd file = file_of(1);
  EXPECT_TRUE(eventually(loop_, [&] { return static_cast<bool>(import(file.get()).reply); }))
      << "places are free again";
}

// A polkit that lets callers wait until it is told to decide.
class SlowPolkit {
 public:
  SlowPolkit(boost::asio::io_context& loop, const std::string& bus) : client_(loop, bus) {
    sd_bus_add_filter(client_.connection().bus(), nullptr, hear, this);
    const auto fill = [](sd_bus_message* call) {
      return sd_bus_message_append(call, "su", "org.freedesktop.PolicyKit1", 0);
    };
    const auto name =
        client_.post("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName", fill);
    EXPECT_TRUE(eventually(loop, [&] { return name->reply != nullptr; }));
  }

  // From now on it says yes, to those who come.
  void decide() { decides_ = true; }
  [[nodiscard]] unsigned asked() const { return asked_; }

 private:
  static int hear(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
    if (sd_bus_message_is_method_call(message, nullptr, "CheckAuthorization") == 0) return 0;
    auto& polkit = *static_cast<SlowPolkit*>(self);
    ++polkit.asked_;
    if (polkit.decides_) sd_bus_reply_method_return(message, "(bba{ss})", 1, 0, 0);
    return 1;
  }

  Client client_;
  unsigned asked_ = 0;
  bool decides_ = false;
};

TEST_F(LentFileOnBus, TakesNoPlaceBeforeItsCallerIsAuthorized) {
  open();
  SlowPolkit polkit(loop_, bus_.address());
  const UniqueFd file = file_of(1);
  Client stranger{loop_, bus_.address()};
  const auto fill = [&](sd_bus_message* call) {
    const int lent = file.get();
    sd_bus_message_append_basic(call, 'h', &lent);
    return append(call, Dictionary{});
  };
  std::vector<std::shared_ptr<Answer>> waiting;
  for (unsigned number = 0; number < LentPlaces::kMost; ++number)
    waiting.push_back(stranger.post(kBusName, kManagerPath, kManagerInterface, "Import", fill));
  ASSERT_TRUE(eventually(loop_, [&] { return polkit.asked() == LentPlaces::kMost; }));
  polkit.decide();
  const Answer answer = import(file.get());
  EXPECT_TRUE(answer.reply) << answer.text;
  for (const auto& other : waiting) EXPECT_TRUE(other->error.empty()) << other->text;
}

}  // namespace
}  // namespace hg::bus::test
