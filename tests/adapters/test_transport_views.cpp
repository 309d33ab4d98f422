// SPDX-License-Identifier: Apache-2.0
// PluginBoard brings what is one child's own (a view of an image, the halves of its identification, how its link is
// protected), and asks nothing of a plugin that could not do it.
#include "adapters/plugin_board_fixture.hpp"

namespace hg::transport {
namespace {

using testing::HasSubstr;

core::View view() {
  return {digest_of(7), digest_of(8), {{200, {1, 2, 3}}, {999, {4}}}, {9, 9}};
}

class PluginViews : public PluginBoardTest {
 protected:
  core::Deliver viewed(core::View seen) const {
    core::Deliver order = deliver();
    order.view = std::move(seen);
    return order;
  }
  Error error() { return std::get<core::StepFailed>(answer()).error; }
};

TEST_F(PluginViews, AreBroughtWithTheDigestOfWhatTheChildGets) {
  const auto channel = plugin(wire::kCanOverlay);
  perform(viewed(view()), image());
  const auto request = next_as<wire::Deliver>(channel);
  EXPECT_EQ(request.image, digest_of(7));
  EXPECT_EQ(request.after, digest_of(2));
  EXPECT_EQ(request.size, 1000U);
  EXPECT_EQ(request.patches, (std::vector<wire::Patch>{{200, {1, 2, 3}}, {999, {4}}}));
  EXPECT_EQ(request.record, (Bytes{9, 9}));
  ASSERT_TRUE(channel->send(wire::Delivered{{request.task.request, "boiler"}}));
  EXPECT_TRUE(std::holds_alternative<core::Delivered>(answer()));
}

TEST_F(PluginViews, OfNobodyLeaveTheImageAsItIs) {
  const auto channel = plugin(wire::kCanOverlay);
  perform(deliver(), image());
  const auto request = next_as<wire::Deliver>(channel);
  EXPECT_EQ(request.image, digest_of(1));
  EXPECT_TRUE(request.patches.empty());
  EXPECT_TRUE(request.record.empty());
}

TEST_F(PluginViews, AreNotGivenToAPluginThatCannotLayThemOver) {
  const auto channel = plugin(wire::kCanOffer | wire::kCanBackup | wire::kCanRestore | wire::kCanIdentify);
  perform(viewed(view()), image());
  const Error refused = error();
  EXPECT_EQ(refused.code, Errc::unsupported);
  EXPECT_THAT(refused.message, HasSubstr("the plugin \"serial\" cannot lay"));
  perform(core::Inspect{});  // nothing was sent before this
  next_as<wire::Inspect>(channel);
}

TEST_F(PluginViews, ThatAreOnlyARecordAreNotGivenToItEither) {
  const auto channel = plugin();
  perform(viewed({digest_of(7), digest_of(8), {}, {9}}), image());
  EXPECT_EQ(failure(), Errc::unsupported);
}

TEST_F(PluginViews, ThatNoPluginWouldTakeAreNotSent) {
  const auto channel = plugin(wire::kCanOverlay);
  struct Row {
    core::View view;
    const char* text;
  };
  const std::vector<Row> rows = {{{{}, {}, {{998, {1, 2, 3}}}}, "patch beyond the end of the file"},
                                 {{{}, {}, {{10, {1, 2}}, {11, {1}}}}, "patch before the end of another one"},
                                 {{{}, {}, {{10, {}}}}, "patch without bytes"},
                                 {{{}, {}, std::vector<core::Patch>(9, {1, {1}})}, "9 patches"},
                                 {{{}, {}, {}, Bytes(1025, 1)}, "a delivery record of more than 1024 bytes"}};
  for (const Row& row : rows) {
    perform(viewed(row.view), image());
    const Error refused = error();
    EXPECT_EQ(refused.code, Errc::invalid) << row.text;
    EXPECT_THAT(refused.message, HasSubstr(row.text));
  }
  perform(core::Inspect{});
  next_as<wire::Inspect>(channel);  // and the plugin is still there
}

TEST_F(PluginViews, AreNotMadeByPluginsNorIsAnybodyIdentifiedByAStep) {
  const auto channel = plugin(~wire::kCanHoldKeys);
  for (const core::Step& step : {core::Step{core::Prepare{}}, core::Step{core::Identify{}}, core::Step{core::Idle{}}}) {
    perform(step);
    EXPECT_EQ(failure(), Errc::internal);
  }
  perform(core::Inspect{});  // nothing was sent before this
  next_as<wire::Inspect>(channel);
}

// ------------------------------------------------------------------------------------------------- who is there

class PluginIdentification : public PluginBoardTest {
 protected:
  void identify(Bytes nonce, core::Enrollment child = boiler()) {
    evidence_.reset();
    const auto done = [this](const std::exception_ptr&, Result<Bytes> evidence) { evidence_ = std::move(evidence); };
    asio::co_spawn(loop_.io, board_->identify(std::move(child), std::move(nonce)), done);
  }
  void prove(Bytes proof, core::Enrollment child = boiler()) {
    proven_.reset();
    const auto done = [this](const std::exception_ptr&, Result<void> proven) { proven_ = std::move(proven); };
    asio::co_spawn(loop_.io, board_->prove(std::move(child), std::move(proof)), done);
  }
  Result<Bytes> evidence() {
    loop_.until([this] { return evidence_.has_value(); });
    return *evidence_;
  }
  Result<void> proven() {
    loop_.until([this] { return proven_.has_value(); });
    return *proven_;
  }

  std::optional<Result<Bytes>> evidence_;
  std::optional<Result<void>> proven_;
};

TEST_F(PluginIdentification, GoesThereAndBackAsItComes) {
  const auto channel = plugin(wire::kCanIdentify);
  identify(Bytes(32, 5));
  const auto asked = next_as<wire::Identify>(channel);
  EXPECT_EQ(asked.nonce, Bytes(32, 5));
  EXPECT_EQ(asked.task.deadline_ms, static_cast<std::uint64_t>(boiler().patience.answer.count()));
  ASSERT_TRUE(channel->send(wire::Identified{{asked.task.request, "boiler"}, {1, 2}}));
  EXPECT_EQ(evidence().value(), (Bytes{1, 2}));
  prove({3, 4});
  const auto shown = next_as<wire::Prove>(channel);
  EXPECT_EQ(shown.proof, (Bytes{3, 4}));
  ASSERT_TRUE(channel->send(wire::Proven{{shown.task.request, "boiler"}}));
  EXPECT_TRUE(proven());
}

TEST_F(PluginIdentification, IsNotAskedOfAPluginThatCannotCarryIt) {
  const auto channel = plugin(wire::kCanOffer | wire::kCanOverlay);
  identify(Bytes(32, 5));
  EXPECT_EQ(evidence().error().code, Errc::unsupported);
  EXPECT_THAT(evidence().error().message, HasSubstr("the plugin \"serial\" does not carry"));
  prove(Bytes(32, 5));
  EXPECT_EQ(proven().error().code, Errc::unsupported);
}

TEST_F(PluginIdentification, FailsAsThePluginSays) {
  const auto channel = plugin(wire::kCanIdentify);
  identify(Bytes(32, 5));
  const auto asked = next_as<wire::Identify>(channel);
  ASSERT_TRUE(channel->send(wire::Failed{{asked.task.request, "boiler"}, Errc::unsupported, "no kit"}));
  EXPECT_EQ(evidence().error().code, Errc::unsupported);
  prove({1});
  const auto shown = next_as<wire::Prove>(channel);
  ASSERT_TRUE(channel->send(wire::Failed{{shown.task.request, "boiler"}, Errc::denied, "not this proof"}));
  EXPECT_EQ(proven().error().code, Errc::denied);
}

TEST_F(PluginIdentification, IsNotAnsweredBySomethingElse) {
  const auto channel = plugin(wire::kCanIdentify);
  identify(Bytes(32, 5));
  const auto asked = next_as<wire::Identify>(channel);
  ASSERT_TRUE(channel->send(wire::Proven{{asked.task.request, "boiler"}}));
  EXPECT_EQ(evidence().error().code, Errc::invalid);
  prove({1});
  const auto shown = next_as<wire::Prove>(channel);
  ASSERT_TRUE(channel->send(wire::Delivered{{shown.task.request, "boiler"}}));
  EXPECT_EQ(proven().error().code, Errc::invalid);
}

TEST_F(PluginIdentification, HasTheDeadlineOfAnAnswer) {
  const auto channel = plugin(wire::kCanIdentify);
  identify(Bytes(32, 5));
  const auto asked = next_as<wire::Identify>(channel);
  clock_.advance(boiler().patience.answer + 3s);
  EXPECT_EQ(evidence().error().code, Errc::timed_out);
  EXPECT_EQ(next_as<wire::Cancel>(channel).request, asked.task.request);
}

TEST_F(PluginIdentification, FailsWithoutItsPlugin) {
  identify(Bytes(32, 5));
  EXPECT_EQ(evidence().error().code, Errc::unavailable);
  const auto channel = plugin(wire::kCanIdentify);
  auto unknown = boiler();
  unknown.id = "pump";
  identify(Bytes(32, 5), unknown);
  EXPECT_EQ(evidence().error().code, Errc::unavailable);
  prove({1});
  next_as<wire::Prove>(channel);
  channel->close();
  EXPECT_EQ(proven().error().code, Errc::unavailable);
}

TEST_F(PluginIdentification, IsNotSentWhereNoFrameCouldCarryIt) {
  const auto channel = plugin(wire::kCanIdentify);
  identify(Bytes(wire::kMaxProof + 1, 5));
  EXPECT_EQ(evidence().error().code, Errc::too_large);
  prove(Bytes(wire::kMaxProof + 1, 5));
  EXPECT_EQ(proven().error().code, Errc::too_large);
}

// ------------------------------------------------------------------------------------------------- how it is reached

TEST_F(PluginBoardTest, TellsHowALinkIsProtected) {
  const auto channel = plugin();
  EXPECT_EQ(links_.back().security, core::LinkSecurity::none);
  for (const auto& [said, told] : {std::pair(wire::LinkSecurity::claimed, core::LinkSecurity::claimed),
                                   std::pair(wire::LinkSecurity::proven, core::LinkSecurity::proven)}) {
    links_.clear();
    ASSERT_TRUE(channel->send(wire::Link{"boiler", true, "", said}));
    loop_.until([this] { return !links_.empty(); });
    EXPECT_EQ(links_.back().security, told);
  }
}

TEST_F(PluginBoardTest, ALinkThatIsDownProtectsNothing) {
  const auto channel = plugin();
  links_.clear();
  ASSERT_TRUE(channel->send(wire::Link{"boiler", false, "gone", wire::LinkSecurity::proven}));
  loop_.until([this] { return !links_.empty(); });
  EXPECT_EQ(links_.back().security, core::LinkSecurity::none);
}

}  // namespace
}  // namespace hg::transport
