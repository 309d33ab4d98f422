// SPDX-License-Identifier: Apache-2.0
// Children that tell no digest of their images: one that tells a version (LwM2M), one of whom only the Result of the
// last update is known, and one that installs as it receives and may never tell (SUIT over CoAP).
#include <gtest/gtest.h>

#include "base/version_mark.hpp"
#include "core/table_child.hpp"

namespace hg::core::table {
namespace {

/// Runs the one version, and has the other ready if one is named.
Inspection telling(std::string_view runs, std::string_view ready = "") {
  Inspection seen = with({slot(0, version_mark(0, runs), "ac")});
  seen.slots[0].version = runs;
  if (!ready.empty()) seen.slots.push_back(slot(1, version_mark(0, ready), ""));
  seen.evidence = Evidence::version;
  seen.revert_class = RevertClass::irrevocable;
  return seen;
}

/// A boiler whose image is nothing that this gateway knows, but that its manifest tells the version of.
struct EvidenceBench : Bench {
  explicit EvidenceBench(const std::string& version = "2.0.0") {
    state.deliverables.at(kDeliverable).images.front().running_digest = {};
    state.deliverables.at(kDeliverable).images.front().version = version;
    link(true);
  }
  /// Preflight has heard `seen`.
  void begin(const Inspection& seen) {
    says(seen);
    start();
    says(seen);
  }
  void to_staged(const Inspection& seen) {
    begin(seen);
    answer(OfferAnswer{});
    answer(BackedUp{});
    answer(Delivered{});
  }
  std::string reason() { return std::string(name_of(update().cause.reason)); }
};

TEST(VersionMark, IsTheSameForTheSameVersionAndNumber) {
  EXPECT_EQ(version_mark(0, "1.2.0"), version_mark(0, "1.2"));
  EXPECT_EQ(version_mark(0, "1.2.0"), version_mark(0, "v1.2.0+0"));
  EXPECT_EQ(version_mark(0, "0"), version_mark(0, "0.0"));
  EXPECT_EQ(version_mark(0, "build 7"), version_mark(0, "build 7"));
  EXPECT_NE(version_mark(0, "1.2"), version_mark(1, "1.2")) << "two images of one child are told apart";
  EXPECT_NE(version_mark(0, "1.2"), version_mark(0, "1.20"));
  EXPECT_NE(version_mark(0, "1.2-rc.1"), version_mark(0, "1.2"));
  EXPECT_NE(version_mark(0, "build 7"), version_mark(0, "build 7.0"));
  EXPECT_TRUE(version_mark(0, "").empty());
  EXPECT_EQ(version_mark(0, std::string(200, 'x')).bytes().size(), Digest::kMaxSize);
}

TEST(Evidence, AVersionIsEnoughToBringAnImageThatNobodyKnows) {
  EvidenceBench bench;
  bench.to_staged(telling("1.0.0"));
  EXPECT_EQ(bench.update().parts.front().after, version_mark(0, "2.0.0"));
  EXPECT_EQ(bench.update().parts.front().before, version_mark(0, "1.0.0"));
  bench.says(telling("1.0.0", "2.0.0"));
  ASSERT_EQ(bench.step(), "activate");
  bench.answer(Ordered{telling("2.0.0")});
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(Evidence, WhoRunsTheVersionAlreadyGetsNothing) {
  EvidenceBench bench("2.0");
  bench.begin(telling("v2.0.0"));
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(Evidence, AnImageWithoutAVersionIsRefusedToWhoTellsNothingElse) {
  EvidenceBench bench("");
  bench.begin(telling("1.0.0"));
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.reason(), "cannot-verify");
  EXPECT_NE(bench.update().cause.text.find("version"), std::string::npos) << bench.update().cause.text;
}

TEST(Evidence, AResultStandsForTheSealedBytes) {
  EvidenceBench bench("");
  Inspection before = telling("1.0.0");
  before.evidence = Evidence::result;
  before.slots[0].digest = digest_of('?');
  bench.to_staged(before);
  EXPECT_EQ(bench.update().parts.front().after, kBlob);
  Inspection staged = before;
  staged.slots.push_back(slot(1, kBlob, ""));
  bench.says(staged);
  Inspection after = before;
  after.slots[0].digest = kBlob;
  bench.answer(Ordered{after});
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(Evidence, AnOlderVersionThanWhatRunsAsksForAnApproval) {
  EvidenceBench bench("0.9.0");
  bench.begin(telling("1.0.0"));
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.reason(), "not-newer");
}

/// Installs as it receives: what it was served whole, and does not tell of, is pending.
Inspection at_once(std::string_view runs, bool is_served = false) {
  Inspection seen = telling(runs);
  seen.revert_class = RevertClass::unstageable;
  if (!is_served) return seen;
  seen.slots.push_back(slot(1, version_mark(0, "2.0.0"), "p"));
  return seen;
}

TEST(InstallsAtOnce, IsConfirmedWhenItTellsTheNewVersion) {
  EvidenceBench bench;
  bench.to_staged(at_once("1.0.0"));
  bench.says(at_once("2.0.0"));
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(InstallsAtOnce, ServedWholeAndNotToldIsAStateOfItsOwn) {
  EvidenceBench bench;
  bench.to_staged(at_once("1.0.0"));
  bench.says(at_once("1.0.0", true));
  EXPECT_EQ(bench.phase(), "deferred") << "and nothing is marked or reset";
  EXPECT_EQ(bench.reason(), "not-told");
  bench.wait_out();
  bench.says(at_once("2.0.0"));
  EXPECT_EQ(bench.phase(), "confirmed") << "late, by its own word";
}

TEST(InstallsAtOnce, NeitherMarksNorRevertsAreAskedOfIt) {
  EvidenceBench bench;
  bench.to_staged(at_once("1.0.0"));
  bench.says(at_once("1.0.0", true));
  bench.wait_out();
  bench.says(at_once("1.0.0", true));
  EXPECT_EQ(bench.phase(), "offered") << "it is served again";
}

TEST(InstallsAtOnce, TheOldVersionAfterTheWholeImageIsAFailure) {
  EvidenceBench bench;
  bench.to_staged(at_once("1.0.0"));
  bench.says(at_once("1.0.0"));
  EXPECT_EQ(bench.phase(), "deferred");
  EXPECT_EQ(bench.reason(), "came-back-old");
  EXPECT_EQ(bench.update().attempts, 1U);
}

}  // namespace
}  // namespace hg::core::table
