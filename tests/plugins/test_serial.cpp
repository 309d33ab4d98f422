// SPDX-License-Identifier: Apache-2.0
// headgate-serial, the program, between the daemon's PluginBoard and smp_child at the other end of a pty.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/json.hpp>

#include "adapters/transport/plugin_board.hpp"
#include "plugins/loop.hpp"
#include "plugins/processes.hpp"

namespace hg {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::McubootImage;
using test::Program;
using Arguments = std::vector<std::string>;

const std::string kBin = HEADGATE_BIN_DIR;

/// Real time, for a board that talks to real programs.
class RealClock : public ports::Clock {
 public:
  explicit RealClock(asio::io_context& io) : io_(&io) {}
  [[nodiscard]] Instant now() const override {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  }
  [[nodiscard]] asio::awaitable<Result<void>> sleep_for(Duration duration) override {
    asio::steady_timer timer(*io_, duration);
    const auto [failure] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (failure) co_return Error{Errc::cancelled, "cancelled"};
    co_return Result<void>{};
  }

 private:
  asio::io_context* io_;
};

class SerialTest : public testing::Test {
 protected:
  SerialTest() {
    old_.write_to(directory_.path / "old.bin");
    child_.id = "boiler";
    child_.transport = "serial";
    child_.address = tty();
    child_.profile = "test";
    child_.patience.answer = 20s;
    child_.patience.transfer_stall = 20s;
    child_.patience.swap = 20s;
    transport::BoardSettings settings;
    settings.socket = directory_.path / "plugins.sock";
    settings.bindings = {{"serial", ::getuid()}};
    board_ = std::make_unique<transport::PluginBoard>(loop_.io.get_executor(), clock_, journal_, settings);
    board_->listen([this](core::LinkChanged change) { links_.push_back(std::move(change)); });
    const auto started = board_->start();
    if (!started) throw std::runtime_error(started.error().message);
  }
  ~SerialTest() override {
    plugin_.reset();
    board_.reset();
    loop_.settle();
  }

  [[nodiscard]] std::string tty() const { return directory_.path / "tty"; }

  /// The child alone, from its beginning or (again) from its flash.
  void start_child(Arguments more = {}) {
    Arguments arguments = {"--state",          directory_.path / "state",
                           "--image",          directory_.path / "old.bin",
                           "--link",           tty(),
                           "--boot-ms",        "5",
                           "--swap-ms",        "20",
                           "--reset-delay-ms", "20"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    device_ = std::make_unique<Program>(kBin + "/smp_child", arguments);
    if (!device_->line().starts_with("ready")) throw std::runtime_error("the child does not start");
  }
  void start_plugin() {
    plugin_ =
        std::make_unique<Program>(kBin + "/headgate-serial", Arguments{"--socket", directory_.path / "plugins.sock"});
  }
  void start(Arguments more = {}, transport::ProfileValues profile = {}) {
    start_child(std::move(more));
    transport::ProfileValues values = {
        {"reset_delay_ms", std::int64_t{20}}, {"chunk_ms", std::int64_t{1000}}, {"erase_ms", std::int64_t{4000}}};
    for (auto& [name, value] : profile) values[name] = value;
    board_->set_profiles({{"test", values}});
    const std::vector<core::Enrollment> children{child_};
    board_->enroll(children);
    start_plugin();
    await_link(true);
  }

  [[nodiscard]] bool link_is(bool up) const { return !links_.empty() && links_.back().up == up; }
  void await_link(bool up) {
    loop_.until([&] { return link_is(up); });
  }

  void begin(core::Step step, UniqueFd image = {}) {
    answer_.reset();
    progress_.clear();
    const auto note = [this](std::uint64_t done, std::uint64_t) { progress_.push_back(done); };
    const auto done = [this](const std::exception_ptr&, core::StepAnswer answer) { answer_ = std::move(answer); };
    asio::co_spawn(loop_.io, board_->perform(child_, std::move(step), 1, std::move(image), note),
                   asio::bind_cancellation_slot(stop_.slot(), done));
  }
  core::StepAnswer answer() {
    loop_.until([this] { return answer_.has_value(); });
    return *answer_;
  }
  core::StepAnswer perform(core::Step step, UniqueFd image = {}) {
    begin(std::move(step), std::move(image));
    return answer();
  }
  static std::string text_of(const core::StepAnswer& answer) {
    const auto* failed = std::get_if<core::StepFailed>(&answer);
    return failed == nullptr ? "another answer" : failed->error.message;
  }

  core::Inspection inspect() {
    const auto seen = perform(core::Inspect{});
    if (!std::holds_alternative<core::Inspection>(seen)) throw std::runtime_error(text_of(seen));
    return std::get<core::Inspection>(seen);
  }
  [[nodiscard]] core::Deliver deliver() const { return {new_.sha256, new_.file.size(), 0, new_.hash}; }
  void deliver_all() {
    const auto delivered = perform(deliver(), new_.descriptor());
    ASSERT_TRUE(std::holds_alternative<core::Delivered>(delivered)) << text_of(delivered);
  }
  [[nodiscard]] core::Activate activate() const { return {1, {{0, old_.hash, new_.hash}}}; }
  [[nodiscard]] core::Revert revert(const Digest& running) const { return {1, {{0, running, old_.hash}}}; }
  core::Inspection order(core::Step step) {
    const auto ordered = perform(std::move(step));
    if (!std::holds_alternative<core::Ordered>(ordered)) throw std::runtime_error(text_of(ordered));
    return std::get<core::Ordered>(ordered).seen;
  }
  static const core::Slot* active(const core::Inspection& seen) {
    for (const core::Slot& slot : seen.slots) {
      if (slot.image == 0 && slot.active) return &slot;
    }
    return nullptr;
  }
  void expect_runs(const core::Inspection& seen, const Digest& digest, bool confirmed) {
    const auto* slot = active(seen);
    ASSERT_NE(slot, nullptr);
    EXPECT_EQ(slot->digest, digest);
    EXPECT_EQ(slot->confirmed, confirmed);
    for (const core::Slot& other : seen.slots) EXPECT_FALSE(other.pending);
  }
  std::int64_t counter(const std::string& name) const {
    std::ifstream file(directory_.path / "state" / "counters");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    return boost::json::parse(text).at(name).as_int64();
  }

  test::Directory directory_;
  test::Loop loop_;
  RealClock clock_{loop_.io};
  test::RememberingJournal journal_;
  McubootImage old_{3000, 0, 1};
  McubootImage new_{60000, 1, 2};
  core::Enrollment child_;
  std::vector<core::LinkChanged> links_;
  std::vector<std::uint64_t> progress_;
  asio::cancellation_signal stop_;
  std::optional<core::StepAnswer> answer_;
  std::unique_ptr<transport::PluginBoard> board_;
  std::unique_ptr<Program> device_;
  std::unique_ptr<Program> plugin_;
};

TEST_F(SerialTest, UpdatesAChild) {
  start();
  const auto before = inspect();
  expect_runs(before, old_.hash, true);
  EXPECT_EQ(before.revert_class, core::RevertClass::self_reverting);
  EXPECT_EQ(before.bootloader, "MCUboot mode 3 (swap using move)");
  EXPECT_EQ(active(before)->version, "1.0.0");

  deliver_all();
  EXPECT_EQ(progress_.back(), new_.file.size());
  expect_runs(inspect(), old_.hash, true);  // staging marks nothing
  expect_runs(order(activate()), new_.hash, false);
  expect_runs(order(core::Confirm{1, {{0, new_.hash}}}), new_.hash, true);
  expect_runs(inspect(), new_.hash, true);
  EXPECT_EQ(counter("reset_requests"), 1);
  EXPECT_EQ(counter("uploads_started"), 1);
}

TEST_F(SerialTest, RepeatsNothingThatIsDone) {
  start();
  deliver_all();
  deliver_all();
  EXPECT_EQ(counter("uploads_started"), 1);
  order(activate());
  EXPECT_TRUE(std::holds_alternative<core::GuardFailed>(perform(activate())));
  order(core::Confirm{1, {{0, new_.hash}}});
  order(core::Confirm{1, {{0, new_.hash}}});
  EXPECT_EQ(counter("confirms"), 1);
  EXPECT_EQ(counter("reset_requests"), 1);
}

TEST_F(SerialTest, DoesNothingWhenAGuardFails) {
  start();
  deliver_all();
  const core::Step activate = core::Activate{1, {{0, new_.hash, new_.hash}}};
  const core::Step confirm = core::Confirm{1, {{0, new_.hash}}};
  const core::Step revert = core::Revert{1, {{0, new_.hash, old_.hash}}};
  for (const core::Step& step : {activate, confirm, revert}) {
    const auto seen = perform(step);
    ASSERT_TRUE(std::holds_alternative<core::GuardFailed>(seen)) << text_of(seen);
    expect_runs(std::get<core::GuardFailed>(seen).seen, old_.hash, true);
  }
  EXPECT_EQ(counter("reset_requests") + counter("tests") + counter("confirms"), 0);
}

// -------------------------------------------------------------------------------------------------------- reverting

TEST_F(SerialTest, RevertsATestedImageByAReset) {
  start();
  deliver_all();
  order(activate());
  expect_runs(order(revert(new_.hash)), old_.hash, true);
  EXPECT_EQ(counter("reverts"), 1);
}

TEST_F(SerialTest, RevertsAMarkByPlayingItThrough) {
  start();
  deliver_all();
  plugin_.reset();  // somebody else marks the image
  await_link(false);
  {
    start_plugin();
    await_link(true);
    begin(activate());
    loop_.until([this] { return counter("tests") == 1; });
    plugin_->end(SIGKILL);
    answer();
    await_link(false);
  }
  start_plugin();
  await_link(true);
  const auto seen = inspect();
  const Digest running = active(seen)->digest;  // marked or already swapped: both are to be undone
  expect_runs(order(revert(running)), old_.hash, true);
}

TEST_F(SerialTest, RevertsAConfirmedImageBySwappingTheOldOneBack) {
  start();
  deliver_all();
  order(activate());
  order(core::Confirm{1, {{0, new_.hash}}});
  expect_runs(order(revert(new_.hash)), old_.hash, true);
}

TEST_F(SerialTest, SaysWhatRunsWhenTheBootloaderRefusesTheImage) {
  start({"--reject-image"});
  deliver_all();
  expect_runs(order(activate()), old_.hash, true);
}

TEST_F(SerialTest, PassesARefusedConfirmOn) {
  start({"--refuse-confirm"});
  deliver_all();
  order(activate());
  const auto refused = perform(core::Confirm{1, {{0, new_.hash}}});
  ASSERT_TRUE(std::holds_alternative<core::StepFailed>(refused));
  EXPECT_EQ(std::get<core::StepFailed>(refused).error.code, Errc::denied);
  EXPECT_THAT(text_of(refused), testing::HasSubstr("image error 32"));
}

TEST_F(SerialTest, PassesARefusedResetOn) {
  start({"--refuse-resets", "1"});
  deliver_all();
  EXPECT_EQ(std::get<core::StepFailed>(perform(activate())).error.code, Errc::busy);
  expect_runs(order(activate()), new_.hash, false);  // the mark stands; asked again it goes on
}

// ---------------------------------------------------------------------------------------------------- interruptions

TEST_F(SerialTest, ResumesAfterThePluginWasKilled) {
  start({"--baud", "1500000"});
  begin(deliver(), new_.descriptor());
  loop_.until([this] { return !progress_.empty() && progress_.back() > new_.file.size() / 3; });
  plugin_->end(SIGKILL);
  EXPECT_EQ(std::get<core::StepFailed>(answer()).error.code, Errc::unavailable);
  await_link(false);
  start_plugin();
  await_link(true);
  deliver_all();
  EXPECT_EQ(counter("resumes"), 1);
  EXPECT_LT(counter("upload_bytes"), static_cast<std::int64_t>(new_.file.size() + 4096));
}

TEST_F(SerialTest, StopsWhenItIsCancelledAndServesOn) {
  start({"--baud", "1500000"});
  begin(deliver(), new_.descriptor());
  loop_.until([this] { return !progress_.empty(); });
  stop_.emit(asio::cancellation_type::terminal);
  EXPECT_EQ(std::get<core::StepFailed>(answer()).error.code, Errc::cancelled);
  expect_runs(inspect(), old_.hash, true);
  EXPECT_EQ(counter("uploads_completed"), 0);
}

TEST_F(SerialTest, GoesOnWithANewDaemon) {
  start({"--baud", "1500000"});
  begin(deliver(), new_.descriptor());
  loop_.until([this] { return !progress_.empty(); });
  board_->stop();
  EXPECT_EQ(std::get<core::StepFailed>(answer()).error.code, Errc::unavailable);
  links_.clear();
  ASSERT_TRUE(board_->start());
  await_link(true);  // the plugin comes by itself
  deliver_all();
  EXPECT_EQ(counter("resumes"), 1);
}

TEST_F(SerialTest, BeginsAgainWhenTheChildRebootsInTheMiddle) {
  start({"--reboot-at", "30000"});
  deliver_all();
  EXPECT_EQ(counter("uploads_started"), 2);
  expect_runs(order(activate()), new_.hash, false);
}

TEST_F(SerialTest, BeginsAgainWhenTheChildForgetsTheUpload) {
  start({"--lose-upload-state-at", "30000"});
  deliver_all();
}

TEST_F(SerialTest, NamesAnUploadThatDoesNotGoOn) {
  start({"--stuck-at", "10000"});
  EXPECT_THAT(text_of(perform(deliver(), new_.descriptor())),
              testing::HasSubstr("no progress: the child takes no bytes"));
}

TEST_F(SerialTest, ComesThroughALossyLine) {
  start({"--drop-rx", "20", "--drop-tx", "20"}, {{"chunk_ms", std::int64_t{100}}});
  deliver_all();
  expect_runs(order(activate()), new_.hash, false);
  expect_runs(order(core::Confirm{1, {{0, new_.hash}}}), new_.hash, true);
}

TEST_F(SerialTest, ComesThroughANoisyLine) {
  start({"--noise", "--duplicate-answers"});
  deliver_all();
  expect_runs(order(activate()), new_.hash, false);
  expect_runs(order(core::Confirm{1, {{0, new_.hash}}}), new_.hash, true);
}

TEST_F(SerialTest, ComesThroughLateAnswers) {
  start({"--late-answer-ms", "150", "--late-per-mille", "30"}, {{"chunk_ms", std::int64_t{100}}});
  deliver_all();
  expect_runs(order(activate()), new_.hash, false);
}

TEST_F(SerialTest, TalksToAnOldServer) {
  start({"--smp", "v1", "--unsupported-version", "13", "--definite", "--no-params", "--no-bootloader-info"},
        {{"chunk_ms", std::int64_t{300}}});
  EXPECT_EQ(inspect().revert_class, core::RevertClass::unknown);
  deliver_all();
  expect_runs(order(activate()), new_.hash, false);
}

TEST_F(SerialTest, FindsThePacketsThatFewLineBuffersTake) {
  start({"--line-buffers", "2"}, {{"chunk_ms", std::int64_t{200}}});
  deliver_all();
}

TEST_F(SerialTest, UsesLargePacketsOnASlowChildWithALineGap) {
  start({"--line-buffers", "2", "--drain-us", "500"},
        {{"chunk_ms", std::int64_t{500}}, {"line_gap_ms", std::int64_t{3}}});
  deliver_all();
  EXPECT_LT(counter("packets"), 300);  // without the gap: 182 bytes each, more than 400
}

TEST_F(SerialTest, GivesUpOnAMuteChild) {
  child_.patience.answer = 600ms;
  start({"--mute"}, {{"chunk_ms", std::int64_t{150}}});
  const auto silent = perform(core::Inspect{});
  EXPECT_EQ(std::get<core::StepFailed>(silent).error.code, Errc::timed_out);
}

TEST_F(SerialTest, GivesUpOnAChildThatFallsSilentInATransfer) {
  start({"--mute-after-bytes", "40000"}, {{"chunk_ms", std::int64_t{50}}});
  EXPECT_EQ(std::get<core::StepFailed>(perform(deliver(), new_.descriptor())).error.code, Errc::timed_out);
}

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
  board_->set_profiles({{"test", {{"reset_delay_ms", std::int64_t{20}}}}});
  const std::vector<core::Enrollment> children{child_};
  board_->enroll(children);
  start_plugin();
  loop_.until([this] { return link_is(false) && links_.back().text.find("open") != std::string::npos; });
  start_child();
  await_link(true);
  expect_runs(inspect(), old_.hash, true);
}

TEST_F(SerialTest, OneLineIsForOneChild) {
  start();
  auto second = child_;
  second.id = "intruder";
  const std::vector<core::Enrollment> both{child_, second};
  board_->enroll(both);
  loop_.until([this] { return links_.back().child == "intruder"; });
  EXPECT_FALSE(links_.back().up);
  EXPECT_THAT(links_.back().text, testing::HasSubstr("in use"));
  expect_runs(inspect(), old_.hash, true);
}

TEST_F(SerialTest, NamesAValueOfTheProfileThatIsWrong) {
  start_child();
  board_->set_profiles({{"test", {{"baud", std::int64_t{115201}}}}});
  const std::vector<core::Enrollment> children{child_};
  board_->enroll(children);
  start_plugin();
  loop_.until([this] { return link_is(false) && links_.back().text.find("baud") != std::string::npos; });
}

TEST_F(SerialTest, EndsCleanlyAtSigterm) {
  start();
  const int status = plugin_->end(SIGTERM);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace hg
