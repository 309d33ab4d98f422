// SPDX-License-Identifier: Apache-2.0
// PluginBoard against plugins that behave, and against one that does not: everything goes over a real socket.
#include "adapters/plugin_board_fixture.hpp"

namespace hg::transport {
namespace {

// ------------------------------------------------------------------------------------------------- who may connect

TEST_F(PluginBoardTest, GivesTheSocketItsModeAndTakesOverAStaleOne) {
  struct stat found {};
  ASSERT_EQ(::stat(socket_path().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0660U);
  board_.reset();
  EXPECT_NE(::stat(socket_path().c_str(), &found), 0);

  const int dead = ::socket(AF_UNIX, SOCK_SEQPACKET, 0);  // a daemon that was killed leaves its file
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path().c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(dead);
  open(::getuid());
  plugin();
}

TEST_F(PluginBoardTest, DoesNotTakeTheSocketFromALivingDaemon) {
  BoardSettings settings;
  settings.socket = socket_path();
  PluginBoard second(loop_.io.get_executor(), clock_, journal_, settings);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::exists);
}

TEST_F(PluginBoardTest, RefusesAUidThatIsNotBound) {
  board_.reset();
  open(::getuid() + 1);
  const auto channel = guest();
  ASSERT_TRUE(channel->send(wire::Hello{1, 1, "serial", 0, ""}));
  EXPECT_EQ(next_as<wire::Refused>(channel).code, Errc::denied);
  EXPECT_EQ(end_of(channel).code, Errc::unavailable);
  EXPECT_TRUE(journal_.has("\"serial\" refused"));
}

TEST_F(PluginBoardTest, RefusesAClaimToAnotherTransport) {
  const auto channel = guest();
  ASSERT_TRUE(channel->send(wire::Hello{1, 1, "ble", 0, ""}));
  EXPECT_EQ(next_as<wire::Refused>(channel).code, Errc::denied);
}

TEST_F(PluginBoardTest, RefusesAVersionThatItDoesNotSpeak) {
  const auto channel = guest();
  ASSERT_TRUE(channel->send(wire::Hello{2, 9, "serial", 0, ""}));
  EXPECT_EQ(next_as<wire::Refused>(channel).code, Errc::unsupported);
}

TEST_F(PluginBoardTest, RefusesASecondPluginForATransport) {
  const auto first = plugin();
  const auto second = guest();
  ASSERT_TRUE(second->send(wire::Hello{1, 1, "serial", 0, ""}));
  EXPECT_EQ(next_as<wire::Refused>(second).code, Errc::busy);
  perform(core::Inspect{});
  EXPECT_EQ(next_as<wire::Inspect>(first).task.child, "boiler");  // the first is not disturbed
}

TEST_F(PluginBoardTest, ClosesAConnectionThatSaysNothing) {
  const auto channel = guest();
  loop_.until([this] { return clock_.sleepers() == 1; });
  clock_.advance(5s);
  EXPECT_EQ(end_of(channel).code, Errc::unavailable);
  EXPECT_TRUE(journal_.has("no Hello in time"));
}

TEST_F(PluginBoardTest, ClosesAConnectionThatBeginsWithSomethingElse) {
  const auto channel = guest();
  ASSERT_TRUE(channel->send(wire::Link{"boiler", true, ""}));
  EXPECT_EQ(end_of(channel).code, Errc::unavailable);
  EXPECT_TRUE(links_.empty() || !links_.back().up);
}

TEST_F(PluginBoardTest, BoundsConnectionsWithoutHello) {
  std::vector<std::shared_ptr<wire::Channel>> guests;
  for (int i = 0; i < 8; ++i) guests.push_back(guest());
  loop_.until([this] { return clock_.sleepers() == 8; });
  EXPECT_EQ(end_of(guest()).code, Errc::unavailable);
  guests.front()->close();
  loop_.until([this] { return clock_.sleepers() == 7; });
  plugin();
}

TEST_F(PluginBoardTest, ClosesOnASecondHello) {
  const auto channel = plugin();
  ASSERT_TRUE(channel->send(wire::Hello{1, 1, "serial", 0, ""}));
  EXPECT_EQ(end_of(channel).code, Errc::unavailable);
  loop_.until([this] { return journal_.has("a second Hello"); });
}

TEST_F(PluginBoardTest, ClosesOnAFrameOf17KiB) {
  const int raw = connect_to(socket_path());
  const auto hello = wire::encode(wire::Hello{1, 1, "serial", 0, ""});
  ASSERT_EQ(::send(raw, hello->data(), hello->size(), 0), static_cast<ssize_t>(hello->size()));
  const Bytes large(17 * 1024, 0);
  ASSERT_EQ(::send(raw, large.data(), large.size(), 0), static_cast<ssize_t>(large.size()));
  loop_.until([this] { return journal_.has("frame of 17408 bytes"); });
  ::close(raw);
}

TEST_F(PluginBoardTest, ClosesOnBytesThatAreNoFrame) {
  const int raw = connect_to(socket_path());
  ASSERT_EQ(::send(raw, "hello", 5, 0), 5);
  loop_.until([this] { return journal_.has("connection without Hello closed"); });
  ::close(raw);
}

TEST_F(PluginBoardTest, ClosesOnAFrameThatOnlyTheDaemonSends) {
  const auto channel = plugin();
  ASSERT_TRUE(channel->send(wire::Enroll{"boiler", "", {}}));
  EXPECT_EQ(end_of(channel).code, Errc::unavailable);
}

// ---------------------------------------------------------------------------------------------------------- steps

TEST_F(PluginBoardTest, BringsAnInspectionAcross) {
  const auto channel = plugin();
  perform(core::Inspect{});
  const auto request = next_as<wire::Inspect>(channel);
  EXPECT_EQ(request.task.deadline_ms, 10000U);
  EXPECT_EQ(request.task.epoch, 7U);
  wire::Seen seen;
  seen.slots = {{0, 1, "1.2.3", digest_of(3), true, true, false, false, false}};
  seen.revert_class = wire::RevertClass::self_reverting;
  seen.evidence = wire::Evidence::result;
  seen.bootloader = "MCUboot mode 3";
  seen.battery_percent = 40;
  seen.staging = wire::Staging::impossible;
  seen.obstacle = "direct-XIP";
  seen.busy_ms = 90'000;
  seen.power = wire::Power::battery;
  seen.identity = "boiler-4711";
  seen.boots = 12;
  seen.unit = "HTR-0042";
  ASSERT_TRUE(channel->send(wire::Inspected{{request.task.request, "boiler"}, seen}));
  const auto inspection = std::get<core::Inspection>(answer());
  ASSERT_EQ(inspection.slots.size(), 1U);
  EXPECT_EQ(inspection.slots[0], (core::Slot{0, 1, "1.2.3", digest_of(3), true, true, false, false, false}));
  EXPECT_EQ(inspection.revert_class, core::RevertClass::self_reverting);
  EXPECT_EQ(inspection.evidence, core::Evidence::result);
  EXPECT_EQ(inspection.battery_percent, 40);
  EXPECT_EQ(inspection.staging, core::Staging::impossible);
  EXPECT_EQ(inspection.obstacle, "direct-XIP");
  EXPECT_EQ(inspection.busy_for, Duration{90s});
  EXPECT_EQ(inspection.power, core::Power::battery);
  EXPECT_EQ(inspection.identity, "boiler-4711");
  EXPECT_EQ(inspection.boots, 12U);
  EXPECT_EQ(inspection.unit, "HTR-0042");
}

TEST_F(PluginBoardTest, HandsOverTheImageAndPassesProgressOn) {
  const auto channel = plugin();
  auto fd = image();
  ASSERT_EQ(::write(fd.get(), "abc", 3), 3);
  perform(deliver(), std::move(fd));
  auto arrival = next(channel);
  const auto request = std::get<wire::Deliver>(arrival.frame);
  std::array<char, 4> bytes{};
  ASSERT_TRUE(arrival.fd);
  EXPECT_EQ(::pread(arrival.fd.get(), bytes.data(), bytes.size(), 0), 3);
  const wire::Reply reply{request.task.request, "boiler"};
  ASSERT_TRUE(channel->send(wire::Progress{reply, 400, 1000}));
  ASSERT_TRUE(channel->send(wire::Progress{reply, 4000, 1000}));  // never more than there is
  ASSERT_TRUE(channel->send(wire::Delivered{reply}));
  EXPECT_TRUE(std::holds_alternative<core::Delivered>(answer()));
  EXPECT_EQ(progress_, (std::vector<std::uint64_t>{400, 1000}));
}

TEST_F(PluginBoardTest, SaysWhereTheImageIsToGoAndBringsTheGuardBack) {
  const auto channel = plugin();
  core::Deliver rescue = deliver();
  rescue.staging = core::Staging::in_place;
  perform(rescue, image());
  const auto request = next_as<wire::Deliver>(channel);
  EXPECT_EQ(request.staging, wire::Staging::in_place);
  wire::Seen seen;
  seen.bootloader = "it came up";
  ASSERT_TRUE(channel->send(wire::GuardFailed{{request.task.request, "boiler"}, seen}));
  EXPECT_EQ(std::get<core::GuardFailed>(answer()).seen.bootloader, "it came up");
}

TEST_F(PluginBoardTest, WarnsOnceOfAPluginThatCannotSaveWhatTheProfileNames) {
  const std::vector<std::string> keys{"net/address"};
  board_->set_profiles({{"mcuboot-swap", {{"serial", {{"backup_settings", keys}}}}}});
  core::Enrollment other = boiler();
  other.id = "pump";
  const std::vector<core::Enrollment> children{boiler(), other};
  const auto enroll_twice = [&](std::uint64_t capabilities) {
    journal_.lines.clear();
    const auto channel = guest();
    EXPECT_TRUE(channel->send(wire::Hello{1, 1, "serial", capabilities, "test plugin"}));
    board_->enroll(children);
    next_as<wire::Welcome>(channel);
    next_as<wire::Enroll>(channel);
    board_->enroll(children);
    channel->close();
    loop_.until([&] { return journal_.has("connection closed"); });
    return std::ranges::count_if(
        journal_.lines, [](const std::string& line) { return line.find("backup_settings") != std::string::npos; });
  };
  EXPECT_EQ(enroll_twice(0), 1) << testing::PrintToString(journal_.lines);
  EXPECT_EQ(enroll_twice(wire::kCanBackup), 0) << testing::PrintToString(journal_.lines);
}

TEST_F(PluginBoardTest, BringsOrdersAndTheirGuardsAcross) {
  const auto channel = plugin();
  perform(core::Activate{7, {{0, digest_of(1), digest_of(2)}, {1, digest_of(3), digest_of(4)}}, 0});
  const auto request = next_as<wire::Activate>(channel);
  EXPECT_THAT(request.moves, testing::ElementsAre(wire::Move{0, digest_of(1), digest_of(2)},
                                                  wire::Move{1, digest_of(3), digest_of(4)}));
  EXPECT_EQ(request.task.deadline_ms, 270000U);
  ASSERT_TRUE(channel->send(wire::GuardFailed{{request.task.request, "boiler"}, {}}));
  EXPECT_TRUE(std::holds_alternative<core::GuardFailed>(answer()));
}

TEST_F(PluginBoardTest, GivesAnOrderMoreTimeTheMoreChanges) {
  const auto channel = plugin();
  core::Enrollment child = boiler();
  child.patience.swap_per_kib = 10ms;
  for (const auto& [size, deadline] : {std::pair{0U, 270'000U}, std::pair{512U * 1024U, 280'240U}}) {
    perform(core::Activate{7, {{0, digest_of(1), digest_of(2)}}, size}, {}, child);
    const auto request = next_as<wire::Activate>(channel);
    EXPECT_EQ(request.task.deadline_ms, deadline);
    ASSERT_TRUE(channel->send(wire::Ordered{{request.task.request, "boiler"}, {}}));
    EXPECT_TRUE(std::holds_alternative<core::Ordered>(answer()));
  }
}

TEST_F(PluginBoardTest, AnswersForAPluginThatCannotOfferOrBackUp) {
  const auto channel = plugin();
  perform(core::Offer{0, "1.0.0", 1000});
  EXPECT_EQ(std::get<core::OfferAnswer>(answer()).willing, core::Willing::yes);
  perform(core::Backup{});
  EXPECT_TRUE(std::holds_alternative<core::BackedUp>(answer()));
  EXPECT_TRUE(saved_.empty());
  perform(core::Restore{digest_of(1)}, image());
  EXPECT_EQ(failure(), Errc::unsupported);
}

// -------------------------------------------------------------------------------------------------------- backups

/// What a plugin sends beside BackedUp.
class PluginBackup : public PluginBoardTest {
 protected:
  static constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK;

  static UniqueFd memory(const Bytes& content, int seals = kSeals) {
    UniqueFd fd(::memfd_create("backup", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_EQ(::write(fd.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
    return fd;
  }

  /// The answer to a Backup that came with `fd`.
  core::StepAnswer backed_up_with(UniqueFd fd) {
    if (!channel_) channel_ = plugin(wire::kCanBackup | wire::kCanRestore);
    perform(core::Backup{});
    const auto request = next_as<wire::Backup>(channel_);
    EXPECT_EQ(request.task.deadline_ms, 660000U);
    EXPECT_TRUE(channel_->send(wire::BackedUp{{request.task.request, "boiler"}, "in words"}, std::move(fd)));
    return answer();
  }

  /// What is wrong with `fd`; the connection goes on after it.
  std::string complaint_about(UniqueFd fd) {
    const auto refused = backed_up_with(std::move(fd));
    const auto* failed = std::get_if<core::StepFailed>(&refused);
    EXPECT_TRUE(saved_.empty());
    return failed == nullptr ? "nothing" : failed->error.message;
  }

  std::shared_ptr<wire::Channel> channel_;
};

TEST_F(PluginBackup, IsCopiedOutOfSealedMemory) {
  const Bytes content(wire::kMaxBackup, 0x5A);
  EXPECT_EQ(std::get<core::BackedUp>(backed_up_with(memory(content))).text, "in words");
  EXPECT_EQ(saved_, content);
  EXPECT_TRUE(std::holds_alternative<core::BackedUp>(backed_up_with(memory({}))));
  EXPECT_TRUE(saved_.empty());
  EXPECT_TRUE(std::holds_alternative<core::BackedUp>(backed_up_with({})));
  EXPECT_TRUE(saved_.empty());
}

TEST_F(PluginBackup, IsReadFromItsBeginningWhereverThePluginStoodInIt) {
  UniqueFd fd = memory({1, 2, 3});
  ASSERT_EQ(::lseek(fd.get(), 2, SEEK_SET), 2);
  backed_up_with(std::move(fd));
  EXPECT_EQ(saved_, (Bytes{1, 2, 3}));
}

TEST_F(PluginBackup, ThatIsNoSealedMemoryIsRefused) {
  EXPECT_THAT(complaint_about(memory({1}, 0)), testing::HasSubstr("not sealed"));
  EXPECT_THAT(complaint_about(memory({1}, F_SEAL_WRITE)), testing::HasSubstr("not sealed"));
  EXPECT_THAT(complaint_about(memory({1}, F_SEAL_SHRINK | F_SEAL_GROW)), testing::HasSubstr("not sealed"));
  EXPECT_THAT(complaint_about(image()), testing::HasSubstr("not sealed"));  // no sealing allowed
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd writing(ends[1]);  // stays open: who reads the other end waits for ever
  EXPECT_THAT(complaint_about(UniqueFd(ends[0])), testing::HasSubstr("no memfd"));
  EXPECT_THAT(complaint_about(UniqueFd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC))),
              testing::HasSubstr("no memfd"));
  EXPECT_THAT(complaint_about(UniqueFd(::open("/dev/zero", O_RDONLY | O_CLOEXEC))), testing::HasSubstr("no memfd"));
  EXPECT_THAT(complaint_about(UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))),
              testing::HasSubstr("no memfd"));
}

TEST_F(PluginBackup, ThatIsTooLargeIsRefused) {
  EXPECT_THAT(complaint_about(memory(Bytes(wire::kMaxBackup + 1, 1))), testing::HasSubstr("1048577 bytes, at most"));
  UniqueFd hollow(::memfd_create("backup", MFD_CLOEXEC | MFD_ALLOW_SEALING));  // 1 TiB of nothing
  ASSERT_EQ(::ftruncate(hollow.get(), off_t{1} << 40), 0);
  ASSERT_EQ(::fcntl(hollow.get(), F_ADD_SEALS, kSeals), 0);
  EXPECT_THAT(complaint_about(std::move(hollow)), testing::HasSubstr("1099511627776 bytes"));
}

TEST_F(PluginBackup, IsHandedBackToBeRestored) {
  const auto channel = plugin(wire::kCanRestore);
  perform(core::Restore{digest_of(1)}, memory({7, 8, 9}));
  auto arrival = next(channel);
  const auto request = std::get<wire::Restore>(arrival.frame);
  EXPECT_EQ(request.task.deadline_ms, 1980000U);
  std::array<std::uint8_t, 4> bytes{};
  ASSERT_TRUE(arrival.fd);
  EXPECT_EQ(::pread(arrival.fd.get(), bytes.data(), bytes.size(), 0), 3);
  ASSERT_TRUE(channel->send(wire::Restored{{request.task.request, "boiler"}}));
  EXPECT_TRUE(std::holds_alternative<core::Restored>(answer()));
}

TEST_F(PluginBackup, IsNoAnswerToSomethingElse) {
  const auto channel = plugin(wire::kCanBackup | wire::kCanRestore);
  perform(core::Restore{digest_of(1)}, memory({1}));
  const auto request = next_as<wire::Restore>(channel);
  ASSERT_TRUE(channel->send(wire::BackedUp{{request.task.request, "boiler"}, ""}, memory({1})));
  EXPECT_EQ(failure(), Errc::invalid);
  EXPECT_TRUE(saved_.empty());
}

// ---------------------------------------------------------------------------------------------- offers and failures

TEST_F(PluginBoardTest, TurnsAnOfferForLaterIntoATime) {
  const auto channel = plugin(wire::kCanOffer);
  perform(core::Offer{0, "1.0.0", 1000, core::Urgency::major});
  const auto request = next_as<wire::Offer>(channel);
  EXPECT_EQ(request.urgency, wire::Urgency::major);
  ASSERT_TRUE(channel->send(wire::OfferAnswer{{request.task.request, "boiler"}, wire::Willing::later, 60000, "rain"}));
  const auto offer = std::get<core::OfferAnswer>(answer());
  EXPECT_EQ(offer.willing, core::Willing::later);
  EXPECT_EQ(offer.at, clock_.now() + 60s);
  EXPECT_EQ(offer.text, "rain");
}

TEST_F(PluginBoardTest, CutsAVersionThatNoFrameCanCarryBetweenTwoCharacters) {
  const auto channel = plugin(wire::kCanOffer);
  const std::string fits(wire::kMaxVersionText - 1, '9');
  perform(core::Offer{0, fits + "µ.18446744073709551615", 1000});
  const auto request = next_as<wire::Offer>(channel);
  EXPECT_EQ(request.version, fits);
  ASSERT_TRUE(channel->send(wire::OfferAnswer{{request.task.request, "boiler"}, wire::Willing::yes, 0, ""}));
  EXPECT_EQ(std::get<core::OfferAnswer>(answer()).willing, core::Willing::yes);
}

TEST_F(PluginBoardTest, PassesThePluginsOwnFailureOn) {
  const auto channel = plugin();
  perform(core::Confirm{7, {{0, digest_of(1)}}});
  const auto request = next_as<wire::Confirm>(channel);
  ASSERT_TRUE(channel->send(wire::Failed{{request.task.request, "boiler"}, Errc::denied, "image 32"}));
  EXPECT_EQ(std::get<core::StepFailed>(answer()).error, (Error{Errc::denied, "image 32"}));
}

TEST_F(PluginBoardTest, FailsWithoutAPlugin) {
  perform(core::Inspect{});
  EXPECT_EQ(failure(), Errc::unavailable);
}

TEST_F(PluginBoardTest, FailsWhenTheAnswerDoesNotBelongToTheStep) {
  const auto channel = plugin();
  perform(core::Inspect{});
  const auto request = next_as<wire::Inspect>(channel);
  ASSERT_TRUE(channel->send(wire::Delivered{{request.task.request, "boiler"}}));
  EXPECT_EQ(failure(), Errc::invalid);
}

// ---------------------------------------------------------------------------------------- losing, waiting, giving up

TEST_F(PluginBoardTest, FailsADeliverWhosePluginDies) {
  const auto channel = plugin();
  perform(deliver(), image());
  next(channel);
  links_.clear();
  channel->close();
  EXPECT_EQ(failure(), Errc::unavailable);
  loop_.until([this] { return !links_.empty(); });
  EXPECT_EQ(links_[0].child, "boiler");
  EXPECT_FALSE(links_[0].up);
  plugin();  // and the next one is let in
}

TEST_F(PluginBoardTest, TellsThePluginToStopWhenTheStepIsCancelled) {
  const auto channel = plugin();
  perform(deliver(), image());
  const auto request = next_as<wire::Deliver>(channel);
  stop_.emit(asio::cancellation_type::terminal);
  EXPECT_EQ(failure(), Errc::cancelled);
  EXPECT_EQ(next_as<wire::Cancel>(channel).request, request.task.request);
  journal_.lines.clear();
  ASSERT_TRUE(channel->send(wire::Failed{{request.task.request, "boiler"}, Errc::cancelled, ""}));
  perform(core::Inspect{});
  next(channel);
  EXPECT_TRUE(journal_.lines.empty()) << journal_.lines[0];  // an answer to what was given up is not worth a line
}

TEST_F(PluginBoardTest, TimesOutWhenThePluginIsSilent) {
  const auto channel = plugin();
  perform(core::Inspect{});
  const auto request = next_as<wire::Inspect>(channel);
  clock_.advance(13s);
  EXPECT_EQ(failure(), Errc::timed_out);
  EXPECT_EQ(next_as<wire::Cancel>(channel).request, request.task.request);
  ASSERT_TRUE(channel->send(wire::Inspected{{request.task.request, "boiler"}, {}}));  // late
  perform(core::Inspect{});
  const auto second = next_as<wire::Inspect>(channel);
  ASSERT_TRUE(channel->send(wire::Inspected{{second.task.request, "boiler"}, {}}));
  EXPECT_TRUE(std::holds_alternative<core::Inspection>(answer()));
}

TEST_F(PluginBoardTest, ADeliverLastsAsLongAsItMoves) {
  const auto channel = plugin();
  perform(deliver(), image());
  const auto request = next_as<wire::Deliver>(channel);
  const wire::Reply reply{request.task.request, "boiler"};
  for (std::uint64_t done = 1; done <= 20; ++done) {
    ASSERT_TRUE(channel->send(wire::Progress{reply, done, 1000}));
    loop_.until([&] { return progress_.size() == done; });
    clock_.advance(20s);  // 400 s in all, far more than the 60 s without progress that are allowed
    loop_.settle();
    loop_.until([&] { return clock_.sleepers() == 1; });
  }
  ASSERT_FALSE(answer_);
  for (int i = 0; i < 5 && !answer_; ++i) {
    clock_.advance(16s);
    loop_.settle();
  }
  EXPECT_EQ(failure(), Errc::timed_out);
}

TEST_F(PluginBoardTest, DropsAnswersThatNobodyAskedFor) {
  const auto channel = plugin();
  perform(core::Inspect{});
  const auto request = next_as<wire::Inspect>(channel);
  ASSERT_TRUE(channel->send(wire::Inspected{{99, "boiler"}, {}}));
  ASSERT_TRUE(channel->send(wire::Inspected{{request.task.request, "stranger"}, {}}));
  loop_.until([this] { return journal_.has("names another child"); });
  EXPECT_TRUE(journal_.has("a request that was not made"));
  EXPECT_FALSE(answer_);
  ASSERT_TRUE(channel->send(wire::Inspected{{request.task.request, "boiler"}, {}}));
  EXPECT_TRUE(std::holds_alternative<core::Inspection>(answer()));
}

TEST_F(PluginBoardTest, ClosesWhenNothingMakesSense) {
  const auto channel = plugin();
  for (int i = 0; i < 40; ++i) static_cast<void>(channel->send(wire::Link{"stranger", true, ""}));
  loop_.until([this] { return journal_.has("too many frames without sense"); });
  EXPECT_LE(journal_.lines.size(), 40U);
}

TEST_F(PluginBoardTest, SendsWhatChangedAtAReload) {
  const auto channel = plugin();
  auto changed = boiler();
  changed.address = "/dev/ttyS1";
  auto other = boiler();
  other.id = "pump";
  const std::vector<core::Enrollment> both{changed, other};
  board_->enroll(both);
  EXPECT_EQ(next_as<wire::Enroll>(channel).address, "/dev/ttyS1");
  EXPECT_EQ(next_as<wire::Enroll>(channel).child, "pump");
  const std::vector<core::Enrollment> one{other};
  board_->enroll(one);
  EXPECT_EQ(next_as<wire::Forget>(channel).child, "boiler");
}

}  // namespace
}  // namespace hg::transport
