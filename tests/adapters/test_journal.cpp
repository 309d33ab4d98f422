// SPDX-License-Identifier: Apache-2.0
// What stands in a log line, and what never does.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "adapters/system/journal_text.hpp"
#include "adapters/system/stderr_journal.hpp"
#include "adapters/system/systemd_journal.hpp"
#include "base/unique_fd.hpp"

namespace hg {
namespace {

using system::clean_text;

TEST(JournalText, IsOneLineOfPrintableCharacters) {
  EXPECT_EQ(clean_text("plain, Größe 3 µm, 日本"), "plain, Größe 3 µm, 日本");
  EXPECT_EQ(clean_text("a\nMESSAGE=forged\x1b[31m\x7f"), "a?MESSAGE=forged?[31m?");
  EXPECT_EQ(clean_text(std::string_view("a\0b", 3)), "a?b");
  EXPECT_EQ(clean_text("\xff\xc3-\xe2\x82"), "\?\?-\?\?");
  EXPECT_EQ(clean_text("c1\xc2\x9b line\xe2\x80\xa8 mark\xe2\x80\xae\xe2\x81\xa6"), "c1?? line??? mark??????");
  EXPECT_EQ(clean_text(""), "");
}

TEST(JournalText, IsCutAtACharactersEnd) {
  EXPECT_EQ(clean_text(std::string(1024, 'x')), std::string(1024, 'x'));
  const std::string cut = clean_text(std::string(1025, 'x'));
  EXPECT_EQ(cut, std::string(1021, 'x') + "...");
  std::string wide;
  while (wide.size() < 5000) wide += "€";
  const std::string clean = clean_text(wide);
  EXPECT_LE(clean.size(), 1024U);
  EXPECT_EQ(clean.substr(clean.size() - 6), "€...");
}

/// What a journal on a memfd wrote.
class Lines {
 public:
  Lines() : file_(::memfd_create("journal", MFD_CLOEXEC)) {}
  [[nodiscard]] int descriptor() const { return file_.get(); }
  [[nodiscard]] std::string text() const {
    std::string content(10'000, '\0');
    const ssize_t size = ::pread(file_.get(), content.data(), content.size(), 0);
    content.resize(static_cast<std::size_t>(size));
    return content;
  }

 private:
  UniqueFd file_;
};

TEST(StderrJournal, WritesOneLineWithWhomItIsFor) {
  const Lines lines;
  system::StderrJournal journal(ports::Level::info, lines.descriptor());
  journal.write(ports::Level::warning, {}, "one");
  journal.write(ports::Level::info, {"boiler-3", std::string(64, 'a'), "12"}, "two\nthree");
  journal.write(ports::Level::debug, {}, "not asked for");
  EXPECT_EQ(lines.text(), "warning one\ninfo [boiler-3 aaaaaaaaaaaa 12] two?three\n");
}

TEST(StderrJournal, DoesNotMindThatStderrIsGone) {
  system::StderrJournal journal(ports::Level::info, -1);
  journal.write(ports::Level::error, {}, "nobody hears");
}

TEST(SystemdJournal, IsChosenWhenStderrIsItsStream) {
  struct stat there {};
  ASSERT_EQ(::fstat(STDERR_FILENO, &there), 0);
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_FALSE(system::is_stderr_the_journal());
  ::setenv("JOURNAL_STREAM", "1:2", 1);
  EXPECT_FALSE(system::is_stderr_the_journal());
  const std::string stream = std::to_string(there.st_dev) + ":" + std::to_string(there.st_ino);
  ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
  EXPECT_TRUE(system::is_stderr_the_journal());
  EXPECT_NE(dynamic_cast<system::SystemdJournal*>(system::make_journal().get()), nullptr);
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_NE(dynamic_cast<system::StderrJournal*>(system::make_journal().get()), nullptr);
}

TEST(SystemdJournal, DoesNotMindThatThereIsNoJournald) {
  system::SystemdJournal journal;
  journal.write(ports::Level::info, {"boiler-3", "d", "1"}, "into the void");
}

}  // namespace
}  // namespace hg
