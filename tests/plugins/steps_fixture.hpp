// SPDX-License-Identifier: Apache-2.0
// What the tests of the steps share: an Updater and a child in memory with one image number, an old image that runs and
// a new one to be brought.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <optional>

#include "plugins/loop.hpp"
#include "plugins/memory_child.hpp"
#include "smp/updater.hpp"

namespace hg::test {

inline const Digest kOld = digest_of(1);
inline const Digest kNew = digest_of(2);

class StepsTest : public testing::Test {
 protected:
  template <class T>
  T run(asio::awaitable<T> task) {
    return loop_.wait(std::move(task));
  }
  plugin::Job job(Milliseconds patience = 60s) { return {"boiler", 1, child_.now() + patience, {}}; }
  Result<wire::Seen> inspect() { return run(made_->inspect(job())); }
  Result<plugin::Outcome> activate_one() { return run(made_->activate(job(), wire::Activate{{}, {{0, kOld, kNew}}})); }
  Result<plugin::Outcome> confirm_one(const Digest& active) {
    return run(made_->confirm(job(), wire::Confirm{{}, {{0, active}}}));
  }
  Result<plugin::Outcome> revert_one(const Digest& active) {
    return run(made_->revert(job(), wire::Revert{{}, {{0, active, kOld}}}));
  }
  /// To where the child stages at the moment.
  Result<void> deliver(std::size_t size = 3000, std::uint8_t image = 0) {
    const auto staging = child_.is_recovery ? wire::Staging::in_place : wire::Staging::aside;
    const auto outcome = deliver_to(staging, size, image);
    if (!outcome) return outcome.error();
    EXPECT_TRUE(outcome->guard_held);
    return {};
  }
  Result<plugin::Outcome> deliver_to(wire::Staging staging, std::size_t size = 3000, std::uint8_t image = 0) {
    UniqueFd file(::memfd_create("image", MFD_CLOEXEC));
    const Bytes bytes(size, 0xAB);
    EXPECT_EQ(::write(file.get(), bytes.data(), size), static_cast<ssize_t>(size));
    child_.uploaded = kNew;
    auto transfer = job();
    transfer.progress = [this](std::uint64_t done, std::uint64_t) { progress_.push_back(done); };
    const wire::Deliver request{{}, view_, size, image, kNew, staging, patches_};
    return run(made_->deliver(std::move(transfer), request, plugin::ImageView(std::move(file), patches_)));
  }
  /// Another process, with profile_ and without any memory of before.
  void renew() { made_.emplace(child_, child_, profile_); }
  Result<plugin::Outcome> activate(std::vector<wire::Move> moves) {
    return run(made_->activate(job(), wire::Activate{{}, std::move(moves)}));
  }
  Result<plugin::Outcome> confirm(std::vector<wire::Guard> guards) {
    return run(made_->confirm(job(), wire::Confirm{{}, std::move(guards)}));
  }
  Result<plugin::Outcome> revert(std::vector<wire::Move> moves) {
    return run(made_->revert(job(), wire::Revert{{}, std::move(moves)}));
  }
  void stage() { child_.stage(kNew); }
  static bool is(const MemoryChild::Asked& asked, smp::Command command) {
    return asked.header.group == command.group && asked.header.command == command.id && asked.header.op == command.op;
  }
  /// Loses the first `count` of one command.
  static std::function<bool(const MemoryChild::Asked&)> first(unsigned count, smp::Command command) {
    return [left = count, command](const MemoryChild::Asked& asked) mutable {
      if (left == 0 || !is(asked, command)) return false;
      --left;
      return true;
    };
  }
  void expect_runs(const Digest& digest, bool confirmed, std::uint8_t image = 0) {
    EXPECT_EQ(child_.active(image)->digest, digest) << int{image};
    EXPECT_EQ(child_.active(image)->confirmed, confirmed) << int{image};
  }
  [[nodiscard]] std::size_t sent_to_change() const {
    return child_.count(smp::kImageState) + child_.count(smp::kReset) + child_.count(smp::kImageUpload);
  }

  test::Loop loop_;
  MemoryChild child_;
  smp::Profile profile_;  ///< for renew()
  std::optional<smp::Updater> made_{std::in_place, child_, child_, smp::Profile{}};
  std::vector<std::uint64_t> progress_;
  Digest view_ = digest_of(9);          ///< of what is delivered
  std::vector<wire::Patch> patches_{};  ///< over it
};

}  // namespace hg::test
