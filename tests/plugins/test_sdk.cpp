// SPDX-License-Identifier: Apache-2.0
// The plugin SDK against a daemon that the test plays by hand; and the example of plugins/README.md, the program,
// against the daemon's own PluginBoard. Keys of links: test_sdk_keys.cpp.
#include <array>
#include <fstream>
#include <set>

#include "adapters/transport/plugin_board.hpp"
#include "plugins/processes.hpp"
#include "plugins/sdk_fixture.hpp"
#include "sdk/lane.hpp"
#include "sdk/program.hpp"
#include "wire/limits.hpp"

namespace hg::plugin {
namespace {

const Digest kOne = *Digest::from_bytes(Bytes(32, 1));

TEST_F(SdkTest, ConnectsAgainAndSaysItsLinksAgain) {
  let_in();
  enroll("a");
  plugin_.report_link({"a", true, "", wire::LinkSecurity::claimed});
  EXPECT_TRUE(next<wire::Link>().up);
  daemon_->close();
  let_in();
  send(wire::Enroll{"a", "/somewhere", {}});
  const auto again = next<wire::Link>();
  EXPECT_TRUE(again.up);
  EXPECT_EQ(again.security, wire::LinkSecurity::claimed);
  EXPECT_EQ(driver_.enrolled.size(), 1U);  // the same values: the driver keeps its line open
}

TEST_F(SdkTest, SaysALinkThatIsProtectedOtherwise) {
  let_in();
  enroll("a");
  plugin_.report_link({"a", true, "", wire::LinkSecurity::claimed});
  plugin_.report_link({"a", true, "", wire::LinkSecurity::claimed});
  plugin_.report_link({"a", true, "", wire::LinkSecurity::proven});
  EXPECT_EQ(next<wire::Link>().security, wire::LinkSecurity::claimed);
  EXPECT_EQ(next<wire::Link>().security, wire::LinkSecurity::proven);
}

TEST_F(SdkTest, SaysWhomItHasMetAndSaysItAgain) {
  plugin_.report_meeting(wire::Discovered{"early", "ab:cd", {}, {}, "met before any daemon was there"});
  let_in();
  EXPECT_EQ(next<wire::Discovered>().name, "early");
  const wire::Discovered met{"late", "ef:01", wire::Uuid{1}, wire::Uuid{2}, "a meter"};
  plugin_.report_meeting(met);
  plugin_.report_meeting(met);  // it says nothing new
  plugin_.report_meeting(wire::Vanished{"never met"});
  plugin_.report_meeting(wire::Vanished{"early"});
  EXPECT_EQ(next<wire::Discovered>(), met);
  EXPECT_EQ(next<wire::Vanished>().name, "early");
  daemon_->close();
  let_in();
  EXPECT_EQ(next<wire::Discovered>(), met);
}

TEST_F(SdkTest, DoesNotSayWhatTheDaemonWouldTakeForHostile) {
  let_in();
  plugin_.report_meeting(wire::Discovered{"a name with spaces", "", {}, {}, ""});
  plugin_.report_meeting(wire::Discovered{"far", std::string(wire::kMaxAddress + 1, 'a'), {}, {}, ""});
  plugin_.report_meeting(wire::Discovered{"garbled", "\xFF", {}, {}, ""});
  plugin_.report_meeting(wire::Discovered{"wordy", "", {}, {}, std::string(wire::kMaxText + 1, 'a')});
  const auto wordy = next<wire::Discovered>();
  EXPECT_EQ(wordy.name, "wordy");
  EXPECT_EQ(wordy.text.size(), wire::kMaxText);
}

TEST_F(SdkTest, RemembersNotMoreStrangersThanItMay) {
  for (std::size_t i = 0; i <= wire::kMaxStrangers; ++i)
    plugin_.report_meeting(wire::Discovered{"s" + std::to_string(i), "", {}, {}, ""});
  plugin_.report_meeting(wire::Vanished{"s0"});
  plugin_.report_meeting(wire::Discovered{"room", "", {}, {}, ""});
  let_in();
  std::set<std::string> names;
  for (std::size_t i = 0; i < wire::kMaxStrangers; ++i) names.insert(next<wire::Discovered>().name);
  EXPECT_EQ(names.size(), wire::kMaxStrangers);
  EXPECT_TRUE(names.contains("room"));
  EXPECT_FALSE(names.contains("s" + std::to_string(wire::kMaxStrangers)));
}

TEST_F(SdkTest, TriesAgainAfterARefusal) {
  accept();
  next<wire::Hello>();
  send(wire::Refused{Errc::busy, "not now"});
  daemon_->close();
  let_in();
  EXPECT_THAT(log_, testing::Contains(testing::HasSubstr("not now")));
}

TEST_F(SdkTest, TakesNewValuesAndForgets) {
  let_in();
  enroll("a");
  send(wire::Enroll{"a", "/elsewhere", {}});
  loop_.until([this] { return driver_.enrolled.size() == 2; });
  send(wire::Forget{"a"});
  loop_.until([this] { return driver_.forgotten.size() == 1; });
  send(wire::Inspect{task(1)});
  EXPECT_EQ(next<wire::Failed>().code, Errc::not_found);
}

TEST_F(SdkTest, WorksForAChildOnOneRequestAtATime) {
  let_in();
  enroll("a");
  driver_.holds = true;
  for (std::uint64_t request = 1; request <= 2 + kMaxWaiting; ++request) send(wire::Inspect{task(request)});
  const auto refused = next<wire::Failed>();
  EXPECT_EQ(refused.reply.request, 2 + kMaxWaiting);
  EXPECT_EQ(refused.code, Errc::busy);
  EXPECT_EQ(driver_.begun.size(), 1U);
  driver_.let_go();
  for (std::uint64_t request = 1; request <= 1 + kMaxWaiting; ++request) {
    EXPECT_EQ(next<wire::Inspected>().reply.request, request);
  }
}

TEST_F(SdkTest, PassesAUnitOnUnlessItIsNoName) {
  let_in();
  enroll("a");
  driver_.says.unit = "HTR-0042";
  send(wire::Inspect{task(1)});
  EXPECT_EQ(next<wire::Inspected>().seen.unit, "HTR-0042");
  driver_.says.unit = "HTR 42";
  send(wire::Inspect{task(2)});
  EXPECT_FALSE(next<wire::Inspected>().seen.unit) << "the daemon would have refused the frame";
}

TEST_F(SdkTest, AnswersAtTheDeadlineWhateverTheDriverDoes) {
  let_in();
  enroll("a");
  driver_.holds = true;
  send(wire::Inspect{task(1, 30)});
  EXPECT_EQ(next<wire::Failed>().code, Errc::timed_out);
  loop_.until([this] { return driver_.cancelled == 1; });
  driver_.holds = false;
  send(wire::Inspect{task(2)});
  EXPECT_EQ(next<wire::Inspected>().reply.request, 2U);
}

TEST_F(SdkTest, CountsADeadlineFromTheArrival) {
  let_in();
  enroll("a");
  driver_.holds = true;
  send(wire::Inspect{task(1)});
  send(wire::Inspect{task(2, 30)});
  send(wire::Inspect{task(3)});
  const auto late = next<wire::Failed>();  // while the first still runs
  EXPECT_EQ(late.reply.request, 2U);
  EXPECT_EQ(late.code, Errc::timed_out);
  driver_.let_go();
  EXPECT_EQ(next<wire::Inspected>().reply.request, 1U);
  EXPECT_EQ(next<wire::Inspected>().reply.request, 3U);
  EXPECT_EQ(driver_.begun.size(), 2U);  // what was late was not begun
}

TEST_F(SdkTest, CancelsWhatWaitsAndWhatRuns) {
  let_in();
  enroll("a");
  driver_.holds = true;
  send(wire::Inspect{task(1)});
  send(wire::Inspect{task(2)});
  send(wire::Cancel{2});
  EXPECT_EQ(next<wire::Failed>().reply.request, 2U);
  send(wire::Cancel{1});
  const auto failed = next<wire::Failed>();
  EXPECT_EQ(failed.reply.request, 1U);
  EXPECT_EQ(failed.code, Errc::cancelled);
}

TEST_F(SdkTest, AnswersEachRequestOfAForgottenChildOnce) {
  hold_one_of_two();
  send(wire::Forget{"a"});
  expect_cancelled(2);
  send(wire::Inspect{task(3)});
  EXPECT_EQ(next<wire::Failed>().code, Errc::not_found);
  loop_.until([this] { return driver_.cancelled == 1; });
  EXPECT_TRUE(driver_.forgotten.empty());  // while its step still leaves it
  driver_.let_go();
  expect_cancelled(1);
  EXPECT_EQ(driver_.left, 1U);
  EXPECT_EQ(driver_.forgotten.size(), 1U);
  send(wire::Inspect{task(4)});
  EXPECT_EQ(next<wire::Failed>().reply.request, 4U);  // and nothing more of the first two
}

TEST_F(SdkTest, NewValuesWaitForTheStepThatLeaves) {
  hold_one_of_two();
  send(wire::Enroll{"a", "/elsewhere", {}});
  send(wire::Inspect{task(3)});
  expect_cancelled(2);
  loop_.until([this] { return driver_.cancelled == 1; });
  EXPECT_EQ(driver_.enrolled.size(), 1U);
  driver_.let_go();
  expect_cancelled(1);
  EXPECT_EQ(next<wire::Inspected>().reply.request, 3U);
  EXPECT_EQ(driver_.enrolled.size(), 2U);
  EXPECT_EQ(driver_.enrolled.back().address, "/elsewhere");
}

TEST_F(SdkTest, AChildThatComesBackBeforeItIsForgottenStays) {
  hold_one_of_two();
  send(wire::Forget{"a"});
  send(wire::Enroll{"a", "/somewhere", {}});
  expect_cancelled(2);
  driver_.let_go();
  expect_cancelled(1);
  loop_.until([this] { return driver_.enrolled.size() == 2; });
  EXPECT_TRUE(driver_.forgotten.empty());
  send(wire::Inspect{task(3)});
  EXPECT_EQ(next<wire::Inspected>().reply.request, 3U);
}

TEST_F(SdkTest, EndsWhenItsStepsHaveLeftTheirChildren) {
  hold_one_of_two();
  plugin_.stop();
  EXPECT_FALSE(loop_.wait(daemon_->receive()));  // the daemon is left at once
  loop_.until([this] { return driver_.cancelled == 1; });
  loop_.settle();
  EXPECT_FALSE(has_ended_);
  driver_.let_go();
  loop_.until([this] { return has_ended_; });
  EXPECT_EQ(driver_.left, 1U);
}

TEST_F(ImpatientSdkTest, AnswersForAStepThatDoesNotEnd) {
  hold_one_of_two();
  send(wire::Enroll{"a", "/elsewhere", {}});
  expect_cancelled(2);
  expect_cancelled(1);
  loop_.until([this] { return driver_.enrolled.size() == 2; });
  EXPECT_EQ(driver_.left, 0U);
  send(wire::Inspect{task(3)});
  driver_.let_go();
  EXPECT_EQ(next<wire::Inspected>().reply.request, 3U);  // the first is not answered twice
}

TEST_F(ImpatientSdkTest, EndsWithoutAStepThatDoesNotEnd) {
  hold_one_of_two();
  plugin_.stop();
  loop_.until([this] { return has_ended_; });
  EXPECT_EQ(driver_.left, 0U);
}

TEST_F(SdkTest, DropsItsWorkWhenTheDaemonGoes) {
  let_in();
  enroll("a");
  driver_.holds = true;
  send(wire::Inspect{task(1)});
  send(wire::Inspect{task(2)});
  loop_.until([this] { return driver_.begun.size() == 1; });
  daemon_->close();
  loop_.until([this] { return driver_.cancelled == 1; });
  driver_.holds = false;
  let_in();
  send(wire::Enroll{"a", "/somewhere", {}});
  send(wire::Inspect{task(1)});
  EXPECT_EQ(next<wire::Inspected>().reply.request, 1U);  // and nothing of the old ones before it
  EXPECT_EQ(driver_.begun.size(), 2U);
}

TEST_F(SdkTest, ThrottlesProgressButSaysTheLast) {
  let_in();
  enroll("a");
  send(wire::Deliver{task(1), kOne, 100000, 0, kOne}, file());
  unsigned count = 0;
  wire::Progress progress;
  do {
    progress = next<wire::Progress>();
    ++count;
  } while (progress.done < 100000);
  EXPECT_LT(count, 50U);
  next<wire::Delivered>();
}

TEST_F(SdkTest, SaysWhatCameOfAnOrder) {
  let_in();
  enroll("a");
  send(wire::Activate{task(1), {{0, kOne, kOne}}});
  next<wire::GuardFailed>();
  send(wire::Confirm{task(2), {{0, kOne}}});
  next<wire::Ordered>();
  send(wire::Revert{task(3), {{0, kOne, kOne}}});  // the driver throws
  EXPECT_EQ(next<wire::Failed>().code, Errc::internal);
  send(wire::Deliver{task(4), kOne, 1, 0, kOne});  // without its descriptor
  EXPECT_EQ(next<wire::Failed>().code, Errc::invalid);
  send(wire::Backup{task(5)});
  EXPECT_EQ(next<wire::Failed>().code, Errc::unsupported);
  send(wire::Deliver{task(6), kOne, 1, 0, kOne, wire::Staging::in_place}, file());
  EXPECT_EQ(next<wire::GuardFailed>().reply.request, 6U);
}

TEST_F(SdkTest, LeavesADaemonThatDoesNotKeepToTheProtocol) {
  let_in();
  send(wire::Link{"a", true, ""});
  EXPECT_EQ(loop_.wait(daemon_->receive()).error().code, Errc::unavailable);
  let_in();
}

// ------------------------------------------------------------------------------------------------------- the program

/// run_program() in a process of its own, with one step that runs.
class ProgramTest : public SdkTest {
 protected:
  ~ProgramTest() override {
    if (pid_ > 0) end(SIGKILL);
  }
  /// `leaves`: the time that the step takes to end when it is cancelled.
  void start(std::chrono::milliseconds leaves) {
    plugin_.stop();  // the place is for another
    loop_.until([this] { return has_ended_; });
    pid_ = ::fork();
    if (pid_ == 0) ::_exit(run(leaves));
    let_in();
    send(wire::Enroll{"a", "/somewhere", {}});
    send(wire::Inspect{task(1)});
    next<wire::Link>();  // the step has begun
  }
  void signal() const { ::kill(pid_, SIGTERM); }
  /// Its exit code; less than 0: it was killed.
  int end(int number = 0) {
    if (number != 0) ::kill(pid_, number);
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  [[nodiscard]] std::filesystem::path mark(const char* name) const { return directory_.path / name; }

 private:
  class Leaving final : public ObedientDriver {
   public:
    Leaving(plugin::Setup setup, const ProgramTest& test, std::chrono::milliseconds leaves)
        : ObedientDriver(setup.executor), setup_(std::move(setup)), test_(&test), leaves_(leaves) {}
    ~Leaving() override { std::ofstream(test_->mark("closed")); }
    asio::awaitable<Result<wire::Seen>> inspect(Job) override {
      setup_.report({"a", true, ""});
      asio::steady_timer timer(setup_.executor, SteadyTime::max());
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      timer.expires_after(leaves_);
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
      std::ofstream(test_->mark("left"));
      co_return Error{Errc::cancelled, "cancelled"};
    }

   private:
    plugin::Setup setup_;
    const ProgramTest* test_;
    std::chrono::milliseconds leaves_;
  };
  int run(std::chrono::milliseconds leaves) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::string name = "test";
    std::string option = "--socket=" + path().string();
    std::array<char*, 2> words = {name.data(), option.data()};
    const auto make = [&](const plugin::Setup& setup) { return std::make_unique<Leaving>(setup, *this, leaves); };
    return run_program(2, words.data(), {"test", "test 1", 0}, make);
  }
  pid_t pid_ = -1;
};

TEST_F(ProgramTest, ASignalLetsTheStepsLeaveTheirChildren) {
  start(300ms);
  signal();
  EXPECT_EQ(end(), 0);
  EXPECT_TRUE(std::filesystem::exists(mark("left")));
  EXPECT_TRUE(std::filesystem::exists(mark("closed")));
}

TEST_F(ProgramTest, ASecondSignalEndsAtOnce) {
  start(1h);
  const auto begun = std::chrono::steady_clock::now();
  signal();
  EXPECT_FALSE(loop_.wait(daemon_->receive()));  // it has heard the first
  signal();
  EXPECT_EQ(end(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kLeaveWithin);
  EXPECT_FALSE(std::filesystem::exists(mark("left")));
  EXPECT_TRUE(std::filesystem::exists(mark("closed")));
}

/// The page of code in plugins/README.md.
TEST(ExamplePlugin, UpdatesABox) {
  test::Directory directory;
  const std::filesystem::path box = directory.path / "box";
  std::filesystem::create_directory(box);
  std::ofstream(box / "running.digest") << kOne.hex();
  const test::McubootImage image(1000, 1, 1);

  test::Loop loop;
  test::StillClock clock(loop.io);
  test::RememberingJournal journal;
  transport::BoardSettings settings;
  settings.socket = directory.path / "plugins.sock";
  settings.bindings = {{"dropbox", ::getuid()}};
  transport::PluginBoard board(loop.io.get_executor(), clock, journal, settings);
  bool is_up = false;
  board.listen([&](const core::LinkChanged& change) { is_up = change.up; });
  ASSERT_TRUE(board.start());
  core::Enrollment child;
  child.id = "box";
  child.transport = "dropbox";
  child.address = box;
  const std::vector<core::Enrollment> children{child};
  board.enroll(children);
  const test::Program program(HEADGATE_BIN_DIR "/example_plugin", {"--socket", settings.socket});
  loop.until([&] { return is_up; });

  const core::Deliver deliver{image.sha256, image.file.size(), 0, image.hash};
  const auto delivered = loop.wait(board.perform(child, deliver, 1, image.descriptor(), {}));
  EXPECT_TRUE(std::holds_alternative<core::Delivered>(delivered.answer));
  const core::Activate activate{1, {{0, kOne, image.hash}}};
  const auto ordered = loop.wait(board.perform(child, activate, 1, {}, {}));
  ASSERT_TRUE(std::holds_alternative<core::Ordered>(ordered.answer));
  EXPECT_EQ(std::get<core::Ordered>(ordered.answer).seen.slots.at(0).digest, image.hash);
  EXPECT_EQ(std::filesystem::file_size(box / "running"), image.file.size());

  core::Deliver viewed = deliver;
  const std::uint64_t last = image.file.size() - 1;
  viewed.view = core::View{kOne, kOne, {{0, {'b', 'o', 'x'}}, {last, {'!'}}}};
  const auto own = loop.wait(board.perform(child, viewed, 1, image.descriptor(), {}));
  EXPECT_TRUE(std::holds_alternative<core::Delivered>(own.answer));
  Bytes expected = image.file;
  std::ranges::copy(ByteView(viewed.view->patches.front().bytes), expected.begin());
  expected.back() = '!';
  std::ifstream next(box / "next", std::ios::binary);
  const Bytes got((std::istreambuf_iterator<char>(next)), {});
  EXPECT_EQ(got, expected);
  board.stop();
  loop.settle();
}

}  // namespace
}  // namespace hg::plugin
