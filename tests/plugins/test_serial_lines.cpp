// SPDX-License-Identifier: Apache-2.0
// Which line a child has, who may have it, and how packets stand on it: addresses, locks and exclusive lines by
// themselves, then headgate-serial with ttys that vanish, return and are wanted by others, and with raw framing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <pty.h>
#include <sys/file.h>
#include <termios.h>

#include "plugins/plugin_bench.hpp"
#include "serial/device.hpp"
#include "serial/exclusive_line.hpp"
#include "serial/line_address.hpp"
#include "serial/tty.hpp"
#include "smp/profile.hpp"

namespace hg {
namespace {

// --------------------------------------------------------------------------------------------------------- addresses

TEST(LineAddress, IsAPathOrPropertiesOfUdev) {
  EXPECT_EQ(serial::line_address_from("/dev/ttyACM0")->node, "/dev/ttyACM0");
  const auto one = serial::line_address_from("udev:ID_SERIAL_SHORT=12=34");
  EXPECT_TRUE(one->node.empty());
  EXPECT_EQ(one->properties.at("ID_SERIAL_SHORT"), "12=34");
  const auto two = serial::line_address_from("udev:ID_SERIAL=Acme_Boiler_7,ID_USB_INTERFACE_NUM=02");
  EXPECT_EQ(two->properties.at("ID_SERIAL"), "Acme_Boiler_7");
  EXPECT_EQ(two->properties.at("ID_USB_INTERFACE_NUM"), "02");
  for (const char* wrong : {"", "ttyACM0", "udev:", "udev:ID_SERIAL", "udev:ID_SERIAL=", "udev:=7", "udev:id=7",
                            "udev:A=1,", "udev:A=1,,B=2", "udev:A=1,B=2,C=3,D=4,E=5,F=6,G=7,H=8,I=9"}) {
    EXPECT_FALSE(serial::line_address_from(wrong)) << wrong;
  }
}

// ------------------------------------------------------------------------------------------------------------ udev

/// What the kernel itself says of each tty is known without a udev daemon, so this runs in a container too.
class UdevLines : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("/sys/class/tty/tty0")) GTEST_SKIP() << "there is no /sys/class/tty/tty0 here";
  }
  Result<std::filesystem::path> find(const char* address) {
    return serial::Device(loop_.io.get_executor(), *serial::line_address_from(address)).find();
  }
  test::Loop loop_;
};

TEST_F(UdevLines, AreFoundByTheirProperties) {
  EXPECT_EQ(find("udev:DEVNAME=/dev/tty0").value(), "/dev/tty0");
  EXPECT_EQ(find("udev:MAJOR=4,MINOR=0").value(), "/dev/tty0");
}

TEST_F(UdevLines, MustBeToldApart) {
  const auto several = find("udev:SUBSYSTEM=tty");
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().code, Errc::mismatch);
  EXPECT_THAT(several.error().message, testing::HasSubstr("add one that tells them apart"));
  EXPECT_EQ(find("udev:DEVNAME=/dev/tty0,MINOR=1").error().code, Errc::not_found);
}

// -------------------------------------------------------------------------------------------------------- lock files

class Locks : public testing::Test {
 protected:
  [[nodiscard]] Result<serial::LockFile> take() const { return serial::LockFile::take(directory_.path, "/dev/ttyHG7"); }
  [[nodiscard]] std::filesystem::path path() const { return directory_.path / "LCK..ttyHG7"; }
  void write(std::string_view text) const { std::ofstream(path()) << text; }
  [[nodiscard]] std::string text() const {
    std::ifstream file(path());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static pid_t gone() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    ::waitpid(child, nullptr, 0);
    return child;
  }
  test::Directory directory_;
};

TEST_F(Locks, NameTheirProcessWhileTheLineIsHeld) {
  {
    const auto lock = take();
    ASSERT_TRUE(lock) << lock.error().message;
    EXPECT_EQ(lock->path(), path());
    EXPECT_EQ(std::stoi(text()), ::getpid());
    EXPECT_THAT(text(), testing::MatchesRegex(" *[0-9]+ headgate\n"));
    EXPECT_EQ(std::filesystem::status(path()).permissions(), std::filesystem::perms(0644));
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path));
}

TEST_F(Locks, OfALivingProcessAreRespected) {
  write(std::to_string(::getppid()) + "\n");
  const auto lock = take();
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().code, Errc::busy);
  EXPECT_THAT(lock.error().message, testing::HasSubstr("in use by process " + std::to_string(::getppid())));
  EXPECT_EQ(text(), std::to_string(::getppid()) + "\n");
}

TEST_F(Locks, OfAProcessThatIsGoneAreReplaced) {
  // The number of a headgate that was killed may be another process's by now.
  const std::string reused = std::to_string(::getppid()) + " headgate\n";
  for (const std::string& left : {std::to_string(gone()) + "\n", std::string("minicom"), std::string(), reused}) {
    write(left);
    const auto lock = take();
    ASSERT_TRUE(lock) << lock.error().message;
    EXPECT_EQ(std::stoi(text()), ::getpid());
  }
}

TEST_F(Locks, ThatAreNoFilesAreNotFollowed) {
  std::filesystem::create_symlink("/etc/hostname", path());
  EXPECT_EQ(take().error().code, Errc::busy);
}

TEST_F(Locks, AreDoneWithoutWhereTheyCannotBeMade) {
  const auto lock = serial::LockFile::take(directory_.path / "missing", "/dev/ttyHG7");
  ASSERT_TRUE(lock);
  EXPECT_TRUE(lock->path().empty());
}

// --------------------------------------------------------------------------------------------------- exclusive lines

class Pty {
 public:
  Pty() {
    int ends[2];
    char name[64];
    if (::openpty(&ends[0], &ends[1], name, nullptr, nullptr) != 0) throw std::runtime_error("openpty");
    master_ = UniqueFd(ends[0]);
    slave_ = UniqueFd(ends[1]);
    node = name;
  }
  std::string node;
  [[nodiscard]] int slave() const { return slave_.get(); }

 private:
  UniqueFd master_;
  UniqueFd slave_;  // keeps the pty as it is
};

class ExclusiveLines : public testing::Test {
 protected:
  Result<serial::ExclusiveLine> take(const std::string& child, const std::filesystem::path& node) {
    serial::ExclusiveLine::Wanted wanted;
    wanted.child = child;
    wanted.node = node;
    wanted.locks = directory_.path;
    return serial::ExclusiveLine::take(book_, wanted);
  }
  test::Directory directory_;
  std::shared_ptr<serial::LineBook> book_ = std::make_shared<serial::LineBook>();
  Pty pty_;
};

TEST_F(ExclusiveLines, AreForOneChildUnderAnyName) {
  const auto link = directory_.path / "by-id";
  std::filesystem::create_symlink(pty_.node, link);
  {
    const auto first = take("boiler", pty_.node);
    ASSERT_TRUE(first) << first.error().message;
    for (const std::filesystem::path& name : {std::filesystem::path(pty_.node), link}) {
      const auto second = take("sensor", name);
      ASSERT_FALSE(second);
      EXPECT_EQ(second.error().code, Errc::busy);
      EXPECT_THAT(second.error().message, testing::HasSubstr("child 'boiler'"));
    }
  }
  EXPECT_TRUE(take("sensor", link));
}

TEST_F(ExclusiveLines, GoWithTheValueThatIsMoved) {
  auto first = take("boiler", pty_.node);
  ASSERT_TRUE(first);
  serial::ExclusiveLine second = std::move(*first);
  EXPECT_GE(second.fd(), 0);
  EXPECT_FALSE(take("sensor", pty_.node));
  second = serial::ExclusiveLine();
  EXPECT_TRUE(take("sensor", pty_.node));
}

TEST_F(ExclusiveLines, NameTheProgramThatHasTheLine) {
  Program other("/usr/bin/flock", {"--no-fork", pty_.node, "sh", "-c", "echo $$; exec sleep 300"});
  const std::string process = other.line();
  const auto line = take("boiler", pty_.node);
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, Errc::busy);
  EXPECT_THAT(line.error().message, testing::HasSubstr("in use by process " + process));
  EXPECT_TRUE(book_->holder(0).empty());
}

TEST_F(ExclusiveLines, SayWhenTheHolderCannotBeSeen) {
  // This process itself is not looked for: as in a sandbox, nobody is found.
  const UniqueFd ours(::open(pty_.node.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_EQ(::flock(ours.get(), LOCK_EX), 0);
  EXPECT_THAT(take("boiler", pty_.node).error().message, testing::HasSubstr("cannot be seen from here (\"fuser -v "));
}

TEST_F(ExclusiveLines, RefuseWhatIsNoTty) {
  EXPECT_EQ(take("boiler", "/dev/null").error().code, Errc::unsupported);
  EXPECT_EQ(take("boiler", "/etc/hostname").error().code, Errc::unsupported);
  EXPECT_EQ(take("boiler", "/dev/no-such-tty").error().code, Errc::not_found);
}

TEST_F(ExclusiveLines, AreRawAndSilentAtAnyRateOfAPty) {
  ASSERT_TRUE(take("boiler", pty_.node));
  termios settings{};
  ASSERT_EQ(::tcgetattr(pty_.slave(), &settings), 0);
  EXPECT_EQ(settings.c_lflag & static_cast<tcflag_t>(ECHO | ICANON | ISIG | IEXTEN), 0U);
  EXPECT_EQ(settings.c_iflag & static_cast<tcflag_t>(IXON | IXOFF | ICRNL | INLCR | IGNCR), 0U);
  EXPECT_EQ(settings.c_oflag & static_cast<tcflag_t>(OPOST), 0U);
  EXPECT_TRUE(serial::set_up(pty_.slave(), 4000000));
  EXPECT_EQ(serial::set_up(pty_.slave(), 115201).error().code, Errc::unsupported);
}

// ------------------------------------------------------------------------------------------------ headgate-serial

TEST_F(SerialTest, ATtyThatVanishesAndComesBack) {
  start({"--baud", "1500000"});
  begin(deliver(), new_.descriptor());
  loop_.until([this] { return !progress_.empty(); });
  device_->signal(SIGUSR1);
  EXPECT_EQ(std::get<core::StepFailed>(answer()).error.code, Errc::unavailable);
  await_link(false);
  device_->signal(SIGUSR2);
  await_link(true);
  deliver_all();
}

TEST_F(SerialTest, ATtyThatIsNotThereYet) {
  start_child();
  device_->end(SIGTERM);
  enroll({{"reset_delay_ms", std::int64_t{20}}});
  start_plugin();
  await_trouble("open");
  start_child();
  await_link(true);
  expect_runs(inspect(), old_.hash, true);
}

TEST_F(SerialTest, OneLineIsForOneChildUnderAnyName) {
  start();
  std::filesystem::create_symlink(tty(), directory_.path / "by-id");
  auto second = child_;
  second.id = "intruder";
  second.address = directory_.path / "by-id";
  const std::vector<core::Enrollment> both{child_, second};
  board_->enroll(both);
  loop_.until([this] { return links_.back().child == "intruder"; });
  EXPECT_FALSE(links_.back().up);
  EXPECT_THAT(links_.back().text, testing::HasSubstr("is in use by the child 'boiler'"));
  expect_runs(inspect(), old_.hash, true);

  const std::vector<core::Enrollment> other{second};
  board_->enroll(other);  // the first one is not enrolled any more
  loop_.until([this] { return links_.back().child == "intruder" && links_.back().up; });
}

TEST_F(SerialTest, ALineOfAnotherProgramIsTakenWhenThatEnds) {
  start_child();
  Program terminal("/usr/bin/flock", {"--no-fork", tty(), "sh", "-c", "echo has it; exec sleep 300"});
  ASSERT_EQ(terminal.line(), "has it");
  enroll({});
  start_plugin();
  await_trouble("is in use by process ");
  terminal.end(SIGKILL);
  await_link(true);
  expect_runs(inspect(), old_.hash, true);
}

TEST_F(SerialTest, ServesSeveralLinesAtOnce) {
  start({"--baud", "1500000"});
  const test::Directory other;
  Program sensor(kBin + "/smp_child", {"--state", other.path / "state", "--image", directory_.path / "old.bin",
                                       "--link", other.path / "tty", "--boot-ms", "5"});
  ASSERT_TRUE(sensor.line().starts_with("ready "));
  auto second = child_;
  second.id = "sensor";
  second.address = other.path / "tty";
  const std::vector<core::Enrollment> both{child_, second};
  board_->enroll(both);
  loop_.until([this] { return links_.back().child == "sensor" && links_.back().up; });
  begin(deliver(), new_.descriptor());
  loop_.until([this] { return !progress_.empty(); });
  const auto no_progress = [](std::uint64_t, std::uint64_t) {};
  const auto seen = loop_.wait(board_->perform(second, core::Inspect{}, 1, UniqueFd(), no_progress));
  EXPECT_TRUE(std::holds_alternative<core::Inspection>(seen.answer)) << text_of(seen.answer);
  EXPECT_FALSE(answer_.has_value()) << "the other child was asked while the first one got its image";
  EXPECT_TRUE(std::holds_alternative<core::Delivered>(answer()));
}

TEST_F(SerialTest, ATtyWhoseDirectoryIsNotThereYet) {
  // As /dev/serial/by-id before the first device is plugged in.
  child_.address = directory_.path / "serial" / "by-id" / "boiler";
  enroll({});
  start_plugin();
  await_trouble("open");
  start_child();
  std::filesystem::create_directories(directory_.path / "serial" / "by-id");
  std::filesystem::create_symlink(tty(), child_.address);
  await_link(true);
}

TEST_F(SerialTest, ATtyThatVanishesAtEachReset) {
  start({"--usb"});
  update();
}

TEST_F(SerialTest, NamesALineThatUdevDoesNotKnow) {
  child_.address = "udev:ID_SERIAL_SHORT=no-such-device";
  enroll({});
  start_plugin();
  await_trouble("udev knows no tty with the properties");
}

TEST_F(SerialTest, NamesAValueOfTheProfileThatIsWrong) {
  start_child();
  enroll({{"baud", std::int64_t{115201}}});
  start_plugin();
  await_trouble("no such baud rate: 115201");
}

// -------------------------------------------------------------------------------------------------- raw framing

class RawTest : public SerialTest {
 protected:
  const wire::ProfileValues profile_ = {
      {"framing", std::string("raw")}, {"raw_silence_ms", std::int64_t{60}}, {"chunk_ms", std::int64_t{400}}};
  const Arguments raw_child_ = {"--framing", "raw", "--raw-timeout-ms", "40"};
};

TEST_F(RawTest, UpdatesAChild) {
  start(raw_child_, profile_);
  update();
}

TEST_F(RawTest, ComesThroughLostBytes) {
  Arguments lossy = raw_child_;
  lossy.insert(lossy.end(), {"--lose-bytes-per-million", "100"});
  start(lossy, profile_);
  update();
}

/// A tenth of raw_silence_ms and chunk_ms as they are by default, and of what Zephyr takes by default to forget half a
/// packet: the silence after an error is longer than an answer is waited for.
TEST_F(RawTest, ComesThroughLostBytesInTheRatioOfTheDefaults) {
  const hg::smp::Profile defaults;
  const auto tenth = [](hg::smp::Milliseconds time) { return std::int64_t{time.count() / 10}; };
  start({"--framing", "raw", "--raw-timeout-ms", "300", "--lose-bytes-per-million", "100"},
        {{"framing", std::string("raw")},
         {"raw_silence_ms", tenth(defaults.raw_silence)},
         {"chunk_ms", tenth(defaults.chunk)}});
  update();
  EXPECT_GE(counter("link_drops"), 1) << "nothing was lost on the way to the child";
}

}  // namespace
}  // namespace hg
