// SPDX-License-Identifier: Apache-2.0
// Sessions that are written down: what a recording holds and where it stops; and a whole update through
// headgate-serial, recorded and then replayed to the Updater without the child, which must come to the same. The
// recordings in tests/vectors/smp_sessions are replayed too; HEADGATE_RERECORD=1 makes them anew (README there).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "plugins/plugin_bench.hpp"
#include "plugins/replay_link.hpp"
#include "smp/recording.hpp"

namespace hg {
namespace {

namespace fs = std::filesystem;

std::string text_in(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The recordings of a directory in the order of their openings.
std::vector<fs::path> recordings_in(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory)) files.push_back(entry.path());
  const auto opening = [](const fs::path& file) {
    return std::stoi(file.stem().native().substr(file.stem().native().rfind('-') + 1));
  };
  std::ranges::sort(files, {}, opening);
  return files;
}

// ------------------------------------------------------------------------------------------------------- one file

class RecordingFile : public testing::Test {
 protected:
  [[nodiscard]] smp::Recording recording(std::size_t most) const {
    UniqueFd fd(::open(path().c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600));
    return {std::move(fd), std::chrono::steady_clock::now(), most};
  }
  [[nodiscard]] fs::path path() const { return directory_.path / "file"; }
  test::Directory directory_;
};

TEST_F(RecordingFile, HoldsOneLineForEachPacket) {
  auto recording = this->recording(smp::Recording::kMost);
  recording.note("two\nlines");
  recording.sent(*from_hex("0800000100010000a0"));
  recording.received(*from_hex("0900000200010000bfff"));
  recording.failed("nothing received", Error{Errc::timed_out, "no answer"});
  EXPECT_THAT(text_in(path()), testing::MatchesRegex("# two lines\n[0-9]+ > 0800000100010000a0\n"
                                                     "[0-9]+ < 0900000200010000bfff\n"
                                                     "# [0-9]+ nothing received: no answer\n"));
}

TEST_F(RecordingFile, StopsAtItsSizeAndSaysSo) {
  auto recording = this->recording(4000);
  for (int i = 0; i < 100; ++i) recording.sent(Bytes(100, 0xAB));
  EXPECT_LE(fs::file_size(path()), 4000U);
  EXPECT_GT(fs::file_size(path()), 3600U);
  EXPECT_THAT(text_in(path()), testing::EndsWith("# full: the rest is not recorded\n"));
}

// ------------------------------------------------------------------------------------------------------- directory

class RecordingPlace : public testing::Test {
 protected:
  Result<std::shared_ptr<smp::RecordingDirectory>> open() {
    const auto log = [this](std::string_view line) { log_.emplace_back(line); };
    return smp::RecordingDirectory::open(place(), "headgate-test 1", log);
  }
  [[nodiscard]] fs::path place() const { return directory_.path / "recordings"; }
  test::Directory directory_;
  std::vector<std::string> log_;
};

TEST_F(RecordingPlace, IsMadePrivateAndSaysWhere) {
  ASSERT_TRUE(open());
  EXPECT_EQ(fs::status(place()).permissions(), fs::perms(0700));
  EXPECT_THAT(
      log_, testing::ElementsAre(testing::AllOf(testing::HasSubstr(place().native()), testing::HasSubstr("firmware"))));
}

TEST_F(RecordingPlace, ThatOthersMayEnterIsRefused) {
  fs::create_directory(place());
  fs::permissions(place(), fs::perms(0750));
  EXPECT_EQ(open().error().code, Errc::denied);
  fs::remove(place());
  fs::create_directory_symlink("/tmp", place());
  EXPECT_EQ(open().error().code, Errc::denied);
}

TEST_F(RecordingPlace, HasAPrivateFileForEachOpeningAndNoMoreThanItMay) {
  const auto directory = open();
  ASSERT_TRUE(directory);
  for (std::uint64_t number = 1; number <= smp::RecordingDirectory::kMostFiles + 3; ++number) {
    (*directory)->begin("../boiler", {number, std::chrono::steady_clock::now()}).note("here");
  }
  const auto files = recordings_in(place());
  EXPECT_EQ(files.size(), smp::RecordingDirectory::kMostFiles);
  EXPECT_EQ(fs::status(files.back()).permissions(), fs::perms(0600));
  EXPECT_THAT(files.back().filename().native(), testing::StartsWith("___boiler-"));
  EXPECT_THAT(text_in(files.back()), testing::StartsWith("# headgate session 1\n# child ../boiler, opening 35, "));
}

// ---------------------------------------------------------------------------------------------- record and replay

/// What a person sees of a session: what each step came to.
using Story = std::vector<std::string>;

std::string told(const wire::Seen& seen) {
  std::string text;
  for (const wire::Slot& slot : seen.slots) {
    text += std::to_string(slot.slot) + " " + slot.version + " " + to_hex(slot.digest.bytes()).substr(0, 8);
    text += slot.active ? " active" : "";
    text += slot.pending ? " pending" : "";
    text += slot.confirmed ? " confirmed; " : "; ";
  }
  return text;
}

class RecordedUpdate : public SerialTest {
 protected:
  RecordedUpdate() { new_ = McubootImage(6000, 1, 2); }

  /// Through the plugin's program with --record, to a real child.
  Story record(const fs::path& directory, Arguments more, wire::ProfileValues profile) {
    plugin_options_ = {"--record", directory};
    start(std::move(more), std::move(profile));
    Story story;
    const auto tell = [&](const core::Inspection& seen) {
      std::string text;
      for (const core::Slot& slot : seen.slots) {
        text += std::to_string(slot.slot) + " " + slot.version + " " + to_hex(slot.digest.bytes()).substr(0, 8);
        text += slot.active ? " active" : "";
        text += slot.pending ? " pending" : "";
        text += slot.confirmed ? " confirmed; " : "; ";
      }
      story.push_back(text);
    };
    tell(inspect());
    deliver_all();
    tell(order(activate()));
    tell(order(core::Confirm{1, {{0, new_.hash}}}));
    plugin_->end(SIGTERM);
    return story;
  }

  /// The same steps by an Updater of this process, against what was recorded.
  Story replay(const std::vector<fs::path>& files, const wire::ProfileValues& values) {
    test::ReplayLink link(files);
    smp::Updater updater(link, link, smp::profile_from(values).value());
    Story story;
    const auto job = [&link] {
      return plugin::Job{"boiler", 1, link.now() + 1min, [](std::uint64_t, std::uint64_t) {}};
    };
    const auto seen = loop_.wait(updater.inspect(job()));
    story.push_back(seen ? told(*seen) : seen.error().message);
    const plugin::ImageView image(new_.descriptor());
    const wire::Deliver deliver{{}, new_.sha256, new_.file.size(), 0, new_.hash};
    const auto delivered = loop_.wait(updater.deliver(job(), deliver, image));
    EXPECT_TRUE(delivered) << delivered.error().message << ", " << link.place();
    const auto activated = loop_.wait(updater.activate(job(), wire::Activate{{}, {{0, old_.hash, new_.hash}}}));
    story.push_back(activated ? told(activated->seen) : activated.error().message);
    const auto confirmed = loop_.wait(updater.confirm(job(), wire::Confirm{{}, {{0, new_.hash}}}));
    story.push_back(confirmed ? told(confirmed->seen) : confirmed.error().message);
    EXPECT_TRUE(link.is_over()) << link.place();
    return story;
  }

  static wire::ProfileValues as_wire(const wire::ProfileValues& values) {
    wire::ProfileValues made;
    for (const auto& [name, value] : values) {
      std::visit([&made, &key = name](const auto& held) { made[key] = held; }, value);
    }
    return made;
  }
  const wire::ProfileValues profile_ = {
      {"reset_delay_ms", std::int64_t{20}}, {"chunk_ms", std::int64_t{1000}}, {"erase_ms", std::int64_t{4000}}};
};

TEST_F(RecordedUpdate, IsReplayedToTheSameEndWithoutTheChild) {
  const auto place = directory_.path / "recordings";
  const Story story = record(place, {}, profile_);
  device_.reset();
  EXPECT_EQ(replay(recordings_in(place), as_wire(profile_)), story);
}

TEST_F(RecordedUpdate, WithLostAnswersIsReplayedToo) {
  auto profile = profile_;
  profile["chunk_ms"] = std::int64_t{150};
  const auto place = directory_.path / "recordings";
  const Story story = record(place, {"--drop-tx", "60"}, profile);
  device_.reset();
  EXPECT_EQ(replay(recordings_in(place), as_wire(profile)), story);
}

TEST_F(RecordedUpdate, ThatDiffersFromWhatIsAskedIsNamed) {
  const auto place = directory_.path / "recordings";
  record(place, {}, profile_);
  new_ = McubootImage(6000, 1, 3);
  EXPECT_THROW(replay(recordings_in(place), as_wire(profile_)), std::runtime_error);
}

// --------------------------------------------------------------------------------------------------------- vectors

struct Stored {
  const char* name;
  Arguments child;
  wire::ProfileValues profile;
  friend void PrintTo(const Stored& stored, std::ostream* out) { *out << stored.name; }
};

class StoredSession : public RecordedUpdate, public testing::WithParamInterface<Stored> {};

TEST_P(StoredSession, IsReplayed) {
  auto profile = profile_;
  for (const auto& [name, value] : GetParam().profile) profile[name] = value;
  const fs::path file =
      fs::path(HEADGATE_SOURCE_DIR) / "tests/vectors/smp_sessions" / (std::string(GetParam().name) + ".smp-session");
  if (std::getenv("HEADGATE_RERECORD") != nullptr) {
    const auto place = directory_.path / "recordings";
    record(place, GetParam().child, profile);
    fs::copy_file(recordings_in(place).at(0), file, fs::copy_options::overwrite_existing);
    fs::permissions(file, fs::perms(0644));
  }
  SCOPED_TRACE("when the client was meant to ask otherwise: HEADGATE_RERECORD=1, see the README beside the recordings");
  const Story story = replay({file}, as_wire(profile));
  const auto short_of = [](const Digest& digest) { return to_hex(digest.bytes()).substr(0, 8); };
  EXPECT_EQ(story.front(), "0 1.0.0 " + short_of(old_.hash) + " active confirmed; ");
  EXPECT_THAT(story.back(), testing::StartsWith("0 1.1.0 " + short_of(new_.hash) + " active confirmed; "));
}

INSTANTIATE_TEST_SUITE_P(Vectors, StoredSession,
                         testing::Values(Stored{"usual", {}, {}},
                                         Stored{"old_server",
                                                {"--smp", "v1", "--unsupported-version", "13", "--definite",
                                                 "--no-params", "--no-bootloader-info"},
                                                {}},
                                         Stored{
                                             "raw",
                                             {"--framing", "raw", "--raw-timeout-ms", "40"},
                                             {{"framing", std::string("raw")}, {"raw_silence_ms", std::int64_t{60}}}}),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace hg
