// SPDX-License-Identifier: Apache-2.0
// What children with the child kit are asked besides, that children without it cost one question, and how a child's
// configuration is saved and brought back.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/steps_fixture.hpp"
#include "smp/fs_group.hpp"
#include "smp/settings_group.hpp"

namespace hg::smp {
namespace {

using namespace std::chrono_literals;
using test::digest_of;
using test::kNew;
using test::kOld;
using testing::HasSubstr;
using Asked = test::MemoryChild::Asked;

class SmpKit : public test::StepsTest {
 protected:
  /// A child whose kit answers status with `can`, and whatever else is in `kit_`.
  void give_kit(unsigned can) {
    child_.answers_instead = [this, can](const Asked& asked) -> std::optional<Bytes> {
      if (asked.header.group != kKitGroup) return std::nullopt;
      if (!is(asked, kKitStatus)) return kit_(asked);
      Bytes body;
      cbor::Writer writer(body);
      writer.map(8).text("v").uint(1).text("id").text("boiler-7").text("can").uint(can).text("boots").uint(12);
      writer.text("battery").uint(87).text("power").uint(2).text("busy").boolean(true).text("ms").uint(90000);
      return body;
    };
  }
  std::size_t kit_questions() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(child_.asked, [](const Asked& one) { return one.header.group == kKitGroup; }));
  }
  std::function<std::optional<Bytes>(const Asked&)> kit_ = [](const Asked&) { return *from_hex("a0"); };
};

TEST_F(SmpKit, SaysHowTheChildIs) {
  give_kit(15);
  const auto seen = inspect();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->identity, "boiler-7");
  EXPECT_EQ(seen->boots, 12U);
  EXPECT_EQ(seen->battery_percent, 87);
  EXPECT_EQ(seen->power, wire::Power::battery);
  EXPECT_TRUE(seen->busy);
  EXPECT_EQ(seen->busy_ms, 90000U);
}

TEST_F(SmpKit, SaysWhichUnitTheChildIsBuiltInto) {
  child_.answers_instead = [](const Asked& asked) -> std::optional<Bytes> {
    if (!is(asked, kKitStatus)) return std::nullopt;
    Bytes body;
    cbor::Writer(body).map(2).text("v").uint(1).text("unit").text("HTR-0042");
    return body;
  };
  EXPECT_EQ(inspect()->unit, "HTR-0042");
}

TEST_F(SmpKit, TheLinkHearsHowTheChildSaysThatItIsProtected) {
  std::optional<unsigned> level;
  child_.answers_instead = [&level](const Asked& asked) -> std::optional<Bytes> {
    if (!is(asked, kKitStatus)) return std::nullopt;
    Bytes body;
    cbor::Writer writer(body);
    writer.map(level ? 2 : 1).text("v").uint(1);
    if (level) writer.text("level").uint(*level);
    return body;
  };
  ASSERT_TRUE(inspect());
  level = 4;
  ASSERT_TRUE(inspect());
  level = 2;
  ASSERT_TRUE(inspect());
  EXPECT_EQ(child_.levels_said, (std::vector<std::uint8_t>{0, 4, 2}));
}

TEST_F(SmpKit, ALinkHearsNothingFromAChildWithoutTheKit) {
  ASSERT_TRUE(inspect());
  EXPECT_TRUE(child_.levels_said.empty());
}

TEST_F(SmpKit, AnOlderKitSaysNoUnit) {
  give_kit(15);
  EXPECT_FALSE(inspect()->unit);
}

TEST_F(SmpKit, AChildThatDoesNotAnswerIsAskedTwiceInAnOpening) {
  child_.loses_request = [](const Asked& asked) { return asked.header.group == kKitGroup; };
  for (int i = 0; i < 3; ++i) {
    const auto seen = inspect();
    ASSERT_TRUE(seen);
    EXPECT_TRUE(seen->identity.empty());
  }
  EXPECT_EQ(kit_questions(), 2U);
  child_.reopen();
  ASSERT_TRUE(inspect());
  EXPECT_EQ(kit_questions(), 4U);
}

TEST_F(SmpKit, IsFoundAlsoWhenTheFirstQuestionWasLost) {
  give_kit(15);
  child_.loses_request = first(1, kKitStatus);
  EXPECT_EQ(inspect()->identity, "boiler-7");
}

TEST_F(SmpKit, AGroupThatIsSomebodyElsesIsNoKit) {
  child_.answers_instead = [](const Asked& asked) -> std::optional<Bytes> {
    if (asked.header.group != kKitGroup) return std::nullopt;
    return *from_hex("a16161f6");
  };
  const auto seen = inspect();
  ASSERT_TRUE(seen);
  EXPECT_TRUE(seen->identity.empty());
}

TEST_F(SmpKit, ConfirmAllMakesSeveralImagesRevertible) {
  const Digest radio_old = digest_of(11);
  const Digest radio_new = digest_of(12);
  child_.mode = 3;
  child_.slots.push_back({1, 0, "1.0.0", radio_old, true, false, true, true, false});
  child_.stage(kNew);
  child_.stage(radio_new, 1);
  give_kit(8);
  kit_ = [this](const Asked& asked) -> std::optional<Bytes> {
    if (is(asked, kKitConfirmAll)) {
      for (wire::Slot& slot : child_.slots) slot.confirmed = slot.active;
    }
    return *from_hex("a0");
  };
  EXPECT_EQ(inspect()->revert_class, wire::RevertClass::self_reverting);
  ASSERT_TRUE(activate({{0, kOld, kNew}, {1, radio_old, radio_new}}));
  expect_runs(kNew, false);
  expect_runs(radio_new, false, 1);
  const std::size_t before = child_.count(kImageState);
  ASSERT_TRUE(confirm({{0, kNew}, {1, radio_new}}));
  expect_runs(kNew, true);
  expect_runs(radio_new, true, 1);
  EXPECT_EQ(child_.count(kImageState), before);
  EXPECT_EQ(child_.count(kKitConfirmAll), 1U);
}

TEST_F(SmpKit, OffersAreTheChildsToDecide) {
  const auto offer = [&] { return run(made_->offer(job(), {{}, 0, "1.1.0", 1000, wire::Urgency::major})); };
  EXPECT_EQ(offer()->willing, wire::Willing::yes);  // no kit
  child_.reopen();
  give_kit(2);
  kit_ = [](const Asked& asked) {
    EXPECT_THAT(to_hex(asked.body), HasSubstr("67757267656e637901")) << "urgency: 1";
    return *from_hex("a366616e7377657202626d731a0036ee8064746578746762726577696e67");
  };
  const auto later = offer();
  ASSERT_TRUE(later) << later.error().message;
  EXPECT_EQ(later->willing, wire::Willing::later);
  EXPECT_EQ(later->wait, 1h);
  EXPECT_EQ(later->text, "brewing");
}

TEST_F(SmpKit, AResetIsAnnouncedBeforeAnythingIsMarked) {
  stage();
  give_kit(4);
  unsigned waits = 2;
  kit_ = [&](const Asked&) -> std::optional<Bytes> {
    EXPECT_EQ(child_.count(kImageState), 0U);
    return waits-- > 0 ? *from_hex("a1626d731903e8") : *from_hex("a0");  // twice a second
  };
  ASSERT_TRUE(activate_one());
  EXPECT_EQ(child_.count(kKitNotice), 3U);
  expect_runs(kNew, false);
}

TEST_F(SmpKit, AChildThatDoesNotWantToBeResetIsNotMarked) {
  stage();
  give_kit(4);
  kit_ = [](const Asked&) { return *from_hex("a1626d731a0036ee80"); };  // an hour
  const auto outcome = activate_one();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::busy);
  EXPECT_EQ(sent_to_change(), 0U);
}

TEST_F(SmpKit, IdentificationIsRelayedAsItComes) {
  EXPECT_EQ(run(made_->identify(job(), Bytes(32, 1))).error().code, Errc::unsupported);
  child_.reopen();
  give_kit(1);
  const Bytes evidence = *from_hex("a164736179734101");
  kit_ = [&](const Asked& asked) { return is(asked, kKitIdentify) ? evidence : *from_hex("a0"); };
  const auto identified = run(made_->identify(job(), Bytes(32, 1)));
  ASSERT_TRUE(identified) << identified.error().message;
  EXPECT_EQ(*identified, evidence);
  EXPECT_TRUE(run(made_->prove(job(), *from_hex("a1636d61634101"))));
}

// ---------------------------------------------------------------------------------------------------- configuration

class SmpConfiguration : public test::StepsTest {
 protected:
  SmpConfiguration() {
    child_.answers_instead = [this](const Asked& asked) -> std::optional<Bytes> {
      if (asked.header.group == kSettingsGroup) return setting(asked);
      if (asked.header.group == kFsGroup) return file(asked);
      return std::nullopt;
    };
    profile_.backup_settings = {"net/name", "net/absent", "net/long"};
    profile_.backup_files = {"/lfs/rules", "/lfs/absent"};
    renew();
  }
  static Bytes error(std::uint16_t group, unsigned code) {
    Bytes body;
    cbor::Writer(body).map(1).text("err").map(2).text("group").uint(group).text("rc").uint(code);
    return body;
  }
  static auto fields(const Asked& asked) {
    struct Fields {
      std::string name;
      Bytes data;
      std::size_t offset = 0;
    } fields;
    plugin::LooseReader reader(asked.body);
    auto map = reader.enter_map().value();
    while (reader.more(map).value()) {
      const auto key = reader.read_key().value();
      if (key == "name")
        fields.name = reader.read_text(255).value();
      else if (key == "val" || key == "data")
        fields.data = reader.read_bytes(4096).value();
      else if (key == "off")
        fields.offset = static_cast<std::size_t>(reader.read_int().value());
      else
        static_cast<void>(reader.skip());
    }
    return fields;
  }
  Bytes setting(const Asked& asked) {
    const auto [name, data, offset] = fields(asked);
    if (is(asked, kSettingWrite)) settings_[name] = data;
    if (is(asked, kSettingsSave)) kept_ = settings_;
    if (!is(asked, kSettingRead)) return *from_hex("a0");
    if (!settings_.contains(name)) return error(kSettingsGroup, 3);
    Bytes value = settings_[name];
    value.resize(std::min<std::size_t>(value.size(), 32));  // cut without telling, but for the limit
    Bytes body;
    cbor::Writer(body).map(2).text("val").bytes(value).text("max_size").uint(32);
    return body;
  }
  Bytes file(const Asked& asked) {
    const auto [name, data, offset] = fields(asked);
    if (is(asked, kFileUpload)) {
      if (offset == 0) files_[name].clear();
      files_[name].insert(files_[name].end(), data.begin(), data.end());
      Bytes body;
      cbor::Writer(body).map(1).text("off").uint(files_[name].size());
      return body;
    }
    if (!is(asked, kFileDownload)) return *from_hex("a162726308");
    if (!files_.contains(name)) return error(kFsGroup, 3);
    const ByteView rest = ByteView(files_[name]).subspan(offset);
    Bytes body;
    cbor::Writer writer(body);
    writer.map(offset == 0 ? 3 : 2)
        .text("off")
        .uint(offset)
        .text("data")
        .bytes(rest.first(std::min<std::size_t>(rest.size(), 300)));
    if (offset == 0) writer.text("len").uint(files_[name].size());
    return body;
  }
  Result<UniqueFd> backup() {
    auto saved = run(made_->backup(job()));
    if (!saved) return saved.error();
    text_ = saved->text;
    return std::move(saved->file);
  }
  std::string text_;  // of the last backup

  std::map<std::string, Bytes> settings_ = {{"net/name", Bytes{1, 2}}, {"net/long", Bytes(40, 3)}};
  std::map<std::string, Bytes> kept_;
  std::map<std::string, Bytes> files_ = {{"/lfs/rules", Bytes(1000, 7)}};
};

TEST_F(SmpConfiguration, IsSavedWithHashesIntoASealedFile) {
  const auto saved = backup();
  ASSERT_TRUE(saved) << saved.error().message;
  const auto bytes = contents_of(saved->get());
  ASSERT_TRUE(bytes);
  const auto configuration = decode_configuration(*bytes);
  ASSERT_TRUE(configuration) << configuration.error().message;
  ASSERT_EQ(configuration->settings.size(), 3U);
  EXPECT_EQ(configuration->settings[0],
            (SavedItem{"net/name", SavedState::saved, Bytes{1, 2}, sha256_of(Bytes{1, 2})}));
  EXPECT_EQ(configuration->settings[1].state, SavedState::absent);
  EXPECT_EQ(configuration->settings[2].state, SavedState::not_saved);  // as long as the limit: it may be cut
  EXPECT_EQ(configuration->files[0].content, files_["/lfs/rules"]);
  EXPECT_EQ(configuration->files[1].state, SavedState::absent);
  EXPECT_EQ(::pwrite(saved->get(), "x", 1, 0), -1);
  EXPECT_EQ(::ftruncate(saved->get(), 0), -1);
  EXPECT_EQ(text_,
            "settings saved: 1, files: 1; could not be read: net/long; not on the child: net/absent, /lfs/absent");
  EXPECT_EQ(*contents_of(backup()->get()), *bytes);  // the same configuration, the same bytes
}

TEST_F(SmpConfiguration, OnlyWhatDiffersIsWrittenAndKept) {
  const auto saved = backup();
  child_.asked.clear();
  settings_.erase("net/long");
  const auto same = run(made_->restore(job(), saved->get()));
  ASSERT_FALSE(same);
  EXPECT_THAT(same.error().message, HasSubstr("net/long (it could not be saved)"));
  EXPECT_EQ(child_.count(kSettingWrite) + child_.count(kSettingsSave) + child_.count(kFileUpload), 0U);
  settings_["net/name"] = Bytes{9};
  settings_["net/absent"] = Bytes{5};
  files_["/lfs/rules"] = Bytes(10);
  EXPECT_FALSE(run(made_->restore(job(), saved->get())));
  EXPECT_EQ(kept_["net/name"], (Bytes{1, 2}));
  EXPECT_EQ(kept_["net/absent"], Bytes{5});  // left alone
  EXPECT_EQ(files_["/lfs/rules"], Bytes(1000, 7));
  EXPECT_EQ(child_.count(kSettingWrite), 1U);
}

TEST_F(SmpConfiguration, WhatTheChildDoesNotTakeIsNamed) {
  profile_.backup_settings = {"net/name"};
  profile_.backup_files = {"/lfs/rules"};
  renew();
  const auto saved = backup();
  settings_["net/name"] = Bytes{9};
  files_["/lfs/rules"].clear();
  const auto usual = child_.answers_instead;
  child_.answers_instead = [&](const Asked& asked) -> std::optional<Bytes> {
    if (is(asked, kSettingWrite)) return error(kSettingsGroup, 6);
    return usual(asked);
  };
  const auto restored = run(made_->restore(job(), saved->get()));
  ASSERT_FALSE(restored);
  EXPECT_THAT(restored.error().message, HasSubstr("net/name"));
  EXPECT_THAT(restored.error().message, HasSubstr("writing is not supported"));
  EXPECT_EQ(files_["/lfs/rules"], Bytes(1000, 7));  // the rest was restored
}

TEST_F(SmpConfiguration, WithoutNamesThereIsNothingToSave) {
  profile_.backup_settings.clear();
  profile_.backup_files.clear();
  renew();
  const auto saved = backup();
  ASSERT_TRUE(saved);
  EXPECT_FALSE(*saved);
  EXPECT_TRUE(child_.asked.empty());
}

TEST_F(SmpConfiguration, AFileThatIsTooLargeIsNotSaved) {
  files_["/lfs/rules"] = Bytes(kLargestSavedFile + 1);
  const auto saved = backup();
  ASSERT_TRUE(saved);
  EXPECT_EQ(decode_configuration(*contents_of(saved->get()))->files[0].state, SavedState::not_saved);
}

TEST_F(SmpConfiguration, ADamagedFileIsRefused) {
  Bytes bytes = *contents_of(backup()->get());
  *std::ranges::find(bytes, 7) = 8;
  EXPECT_EQ(decode_configuration(bytes).error().code, Errc::mismatch);
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    EXPECT_FALSE(decode_configuration(ByteView(bytes).first(size))) << size;
  }
  EXPECT_EQ(child_.count({Op::write, 63, 0}), 0U);  // never
}

}  // namespace
}  // namespace hg::smp
