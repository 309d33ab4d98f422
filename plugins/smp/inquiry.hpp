// SPDX-License-Identifier: Apache-2.0
// What the steps ask a child, each question in one place: its image list, its bootloader, its slots. From these it
// recognizes who answers: the application, or MCUboot's serial recovery, in which nothing runs (reference smp.md,
// section 6). Every question here may be repeated. It draws no other conclusions: updater and its like do. Owned by
// updater, used by restart, marking, delivery, child_kit and configuration_copy.
#pragma once

#include "smp/bootloader.hpp"
#include "smp/image_group.hpp"
#include "smp/image_list.hpp"
#include "smp/session.hpp"

namespace hg::smp {

/// What a child shows of itself at one moment.
struct Sight {
  Slots listed;               ///< as the child lists them
  Slots slots;                ///< the same, but in recovery nothing is active
  BootloaderInfo bootloader;  ///< empty where the child does not tell
  bool is_recovery = false;
};

class Inquiry {
 public:
  Inquiry(Session& session, Clock& clock, const Profile& profile)
      : session_(&session), clock_(&clock), profile_(&profile) {}

  /// For a question that may be repeated; for one that may not.
  [[nodiscard]] Patience patience(SteadyTime deadline) const;
  [[nodiscard]] Patience once(SteadyTime deadline) const;

  /// Session::ask() with a packet that lives as long as the question.
  boost::asio::awaitable<Result<Bytes>> ask(Command command, Bytes packet, Patience patience);

  boost::asio::awaitable<Result<Slots>> list(Patience patience);

  /// Who answers with this list. The bootloader is asked about once in each start of the child; no answer is an answer
  /// too, unless the link or the time ran out.
  boost::asio::awaitable<Result<Sight>> recognize(Slots listed, SteadyTime deadline);
  /// The list, and whether it is still the same who answers: a child can fall into its bootloader at any time, and one
  /// built with all options then lists its slots as before. That costs one question; each step begins with it.
  boost::asio::awaitable<Result<Sight>> look(SteadyTime deadline);

  /// A reset was sent: somebody else may answer from now on.
  void forget_start() {
    known_.reset();
    ++resets_;
  }
  /// How many were sent.
  [[nodiscard]] std::uint64_t resets() const { return resets_; }

  /// Nothing where the child does not tell (before Zephyr 4.0, and without the option).
  boost::asio::awaitable<Result<std::vector<SlotSize>>> slot_sizes(SteadyTime deadline);

 private:
  /// What the control of a console's echo comes to: MCUboot takes it, Zephyr does not know it.
  enum class Echo : std::uint8_t { unclear, refused, taken };
  /// What holds for one start of the child.
  struct Start {
    std::uint64_t opening = 0;
    bool is_idle = false;  // its list shows nothing that runs
    BootloaderInfo bootloader;
    Echo echo = Echo::unclear;
    bool is_recovery = false;
  };
  /// What a bootloader info came to.
  struct Told {
    BootloaderInfo bootloader;
    bool is_refused = false;  // the child does not know the question
    [[nodiscard]] bool is_nothing() const { return bootloader.name.empty() && !bootloader.mode; }
  };
  boost::asio::awaitable<Result<Told>> ask_bootloader(SteadyTime deadline);
  boost::asio::awaitable<Result<Echo>> ask_echo(SteadyTime deadline);
  boost::asio::awaitable<Result<bool>> is_bootloader_itself(bool is_idle, Echo echo, SteadyTime deadline);
  boost::asio::awaitable<Result<Start>> learn(bool is_idle, SteadyTime deadline);
  boost::asio::awaitable<Result<bool>> is_same_start(SteadyTime deadline);
  [[nodiscard]] bool is_known(const Slots& listed) const;

  Session* session_;
  Clock* clock_;
  const Profile* profile_;
  std::optional<Start> known_;
  std::uint64_t resets_ = 0;
};

/// Whether there was no answer, so that asking the same child later can help.
bool is_silence(const Error& error);
/// Whether nothing more can be learned now: the link, the time, or the wish for an answer is gone.
bool is_over(const Error& error);

}  // namespace hg::smp
