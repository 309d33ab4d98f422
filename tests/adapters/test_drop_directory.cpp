// SPDX-License-Identifier: Apache-2.0
// The import directory on a real file system.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "adapters/system/drop_directory.hpp"
#include "fakes/on_loop.hpp"
#include "fakes/recording_journal.hpp"
#include "fakes/temporary_directory.hpp"
#include "ports/control.hpp"

namespace hg {
namespace {

class DropBox : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path inside(const std::string& name) const { return directory_.path() / "in" / name; }

  void put(const std::string& name, const std::string& content) const {
    std::ofstream(inside(name), std::ios::binary) << content;
  }

  void open() {
    auto opened = system::DropDirectory::open(loop_.get_executor(), directory_.path() / "in", journal_);
    ASSERT_TRUE(opened) << opened.error().message;
    box_ = std::move(*opened);
  }

  ports::Dropped next() { return fakes::on_loop(loop_, box_->next()).value(); }

  static std::string text_of(const ports::Dropped& dropped) { return {dropped.bytes.begin(), dropped.bytes.end()}; }

  fakes::TemporaryDirectory directory_;
  fakes::RecordingJournal journal_;
  boost::asio::io_context loop_{1};
  std::unique_ptr<system::DropDirectory> box_;
};

TEST_F(DropBox, BringsWhatWasThereAtTheStartByName) {
  std::filesystem::create_directory(directory_.path() / "in");
  put("b.hgr", "second");
  put("a.suit", "first");
  put(".hidden", "none");
  put("old.refused", "none");
  open();
  EXPECT_EQ(text_of(next()), "first");
  EXPECT_EQ(text_of(next()), "second");
}

TEST_F(DropBox, BringsWhatIsWrittenAndWhatIsMovedIn) {
  open();
  put("written", "w");
  EXPECT_EQ(text_of(next()), "w");
  put(".partial", "m");
  std::filesystem::rename(inside(".partial"), inside("moved"));
  EXPECT_EQ(text_of(next()), "m");
}

TEST_F(DropBox, WakesWhoWaitsAlready) {
  open();
  std::optional<Result<ports::Dropped>> answer;
  const auto wait = [](system::DropDirectory& box, auto& into) -> boost::asio::awaitable<void> {
    into = co_await box.next();
  };
  boost::asio::co_spawn(loop_, wait(*box_, answer), [](const std::exception_ptr&) {});
  loop_.poll();
  put("late", "x");
  ASSERT_TRUE(fakes::run_until(loop_, [&] { return answer.has_value(); }));
  EXPECT_EQ(answer->value().name, "late");
}

TEST_F(DropBox, RemovesWhatWasTakenAndSetsAsideWhatWasRefused) {
  open();
  put("good", "g");
  put("bad", "b");
  for (int i = 0; i < 2; ++i) {
    const ports::Dropped dropped = next();
    if (dropped.name == "good")
      box_->taken(dropped.name);
    else
      box_->refused(dropped.name);
  }
  EXPECT_FALSE(std::filesystem::exists(inside("good")));
  EXPECT_FALSE(std::filesystem::exists(inside("bad")));
  EXPECT_TRUE(std::filesystem::exists(inside("bad.refused")));
  open();
  put("last", "l");
  EXPECT_EQ(next().name, "last");  // what was refused is not asked for again
}

TEST_F(DropBox, WhatTookThePlaceOfAFileWhileItWasLookedAtIsLookedAtToo) {
  open();
  for (const bool is_taken : {true, false}) {
    put("list", "version 1");
    EXPECT_EQ(text_of(next()), "version 1");
    put(".next", "the second version");
    std::filesystem::rename(inside(".next"), inside("list"));
    is_taken ? box_->taken("list") : box_->refused("list");
    ASSERT_TRUE(std::filesystem::exists(inside("list"))) << "nobody has read it";
    EXPECT_EQ(text_of(next()), "the second version");
    box_->taken("list");
    EXPECT_FALSE(std::filesystem::exists(inside("list")));
  }
}

TEST_F(DropBox, BringsOnceMoreWhatIsToBeTriedAgain) {
  open();
  put("later", "x");
  EXPECT_EQ(next().name, "later");
  box_->again("later");
  EXPECT_EQ(next().name, "later");
}

TEST_F(DropBox, SetsAsideWhatNobodyShouldRead) {
  std::filesystem::create_directory(directory_.path() / "in");
  std::filesystem::create_symlink("/etc/passwd", inside("a-link"));
  std::filesystem::create_directory(inside("b-directory"));
  ASSERT_EQ(::mkfifo(inside("c-pipe").c_str(), 0600), 0);
  put("d-large", std::string(ports::kMaxEnvelope + 1, 'x'));
  put("e-good", "good");
  open();
  EXPECT_EQ(text_of(next()), "good");
  for (const char* name : {"a-link", "b-directory", "c-pipe", "d-large"}) {
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(inside(name)))) << name;
    EXPECT_EQ(journal_.count(std::string("import directory: ") + name), 1U) << name;
  }
}

}  // namespace
}  // namespace hg
