// SPDX-License-Identifier: Apache-2.0
// base/secret: bytes that are wiped when they go, in pages that are locked.
#include "base/secret.hpp"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <deque>
#include <new>
#include <type_traits>

namespace hg {
namespace {

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret> && std::is_nothrow_move_assignable_v<Secret>);

const Bytes kKey = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

Bytes bytes_of(ByteView view) {
  return {view.begin(), view.end()};
}

TEST(Secret, HoldsWhatItWasGivenAndMoves) {
  Secret first{ByteView(kKey)};
  const std::uint8_t* const place = first.view().data();
  EXPECT_EQ(bytes_of(first.view()), kKey);
  Secret second(std::move(first));
  EXPECT_EQ(second.view().data(), place);
  Secret third(0);
  third = std::move(second);
  EXPECT_EQ(bytes_of(third.view()), kKey);
  EXPECT_EQ(third.view().data(), place);
}

TEST(Secret, OfNoBytesTakesNoMemory) {
  const Secret none(0);
  EXPECT_EQ(none.view().data(), nullptr);
  EXPECT_EQ(bytes_of_secrets(), 0U);
  EXPECT_EQ(none.size(), 0U);
}

TEST(Secret, IsWipedWhenItGoes) {
  const std::uint8_t* place = nullptr;
  {
    const Secret key{ByteView(kKey)};
    place = key.view().data();
    EXPECT_EQ(bytes_of_secrets(), 64U);
  }
  EXPECT_EQ(bytes_of({place, kKey.size()}), Bytes(kKey.size(), 0));  // the page stays
  const Secret next(kKey.size());
  EXPECT_EQ(next.view().data(), place);
}

TEST(Secret, NoTwoStandInTheSamePlace) {
  std::deque<Secret> secrets;
  for (std::size_t i = 0; i < 3000; ++i) {
    secrets.emplace_back(1 + i * 7 % 300);
    std::ranges::fill_n(secrets.back().data(), static_cast<std::ptrdiff_t>(secrets.back().size()),
                        static_cast<std::uint8_t>(i));
    if (i % 3 == 0) secrets.pop_front();
  }
  const std::size_t gone = 3000 - secrets.size();
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    const auto expected = static_cast<std::uint8_t>(gone + i);
    EXPECT_TRUE(std::ranges::all_of(secrets[i].view(), [&](std::uint8_t byte) { return byte == expected; })) << i;
  }
}

TEST(Secret, OfMoreThanAUsualRunHasOneOfItsOwn) {
  Secret large(300000);
  large.data()[299999] = 1;
  EXPECT_EQ(large.view()[0], 0);
}

// ------------------------------------------------------------------------------------------------------- locked pages

/// The process may lock `bytes` from now on, whoever it is.
bool may_lock_only(rlim_t bytes) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, 2> nothing{};
  const rlimit limit{bytes, bytes};
  return ::syscall(SYS_capset, &header, nothing.data()) == 0 && ::setrlimit(RLIMIT_MEMLOCK, &limit) == 0;
}

/// 1,000 PSKs of 64 bytes in `bytes` of locked memory.
bool thousand_fit(rlim_t bytes) {
  if (!may_lock_only(bytes) || !lock_secrets()) return false;
  std::deque<Secret> keys;
  for (int i = 0; i < 1000; ++i) keys.emplace_back(64);
  return std::ranges::all_of(keys, [](const Secret& key) { return is_locked_secret(key.view().data()); });
}

bool more_than_fits_is_refused(rlim_t bytes) {
  if (!may_lock_only(bytes) || !lock_secrets()) return false;
  try {
    const Secret large(bytes);
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

bool goes_on_unlocked_after_saying_so() {
  if (!may_lock_only(0)) return false;
  const auto locked = lock_secrets();
  const Secret key{ByteView(kKey)};
  return !locked && locked.error().code == Errc::denied && bytes_of(key.view()) == kKey &&
         !is_locked_secret(key.view().data());
}

/// Each case in a process of its own: what is locked stays so, and is not inherited.
struct LockedSecrets : testing::Test {
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(LockedSecrets, StandInPagesThatAreLocked) {
  const auto locked = lock_secrets();
  ASSERT_TRUE(locked) << locked.error().message;
  EXPECT_TRUE(is_locked_secret(Secret(16).view().data()));
  EXPECT_FALSE(is_locked_secret(kKey.data()));
}

TEST_F(LockedSecrets, OfAThousandChildrenFitTheUsualLimit) {
  EXPECT_EXIT(std::_Exit(thousand_fit(8UL << 20) ? 0 : 1), testing::ExitedWithCode(0), "");
}

TEST_F(LockedSecrets, ThatCannotBeLockedAreRefused) {
  EXPECT_EXIT(std::_Exit(more_than_fits_is_refused(1UL << 20) ? 0 : 1), testing::ExitedWithCode(0), "");
}

TEST_F(LockedSecrets, GoOnUnlockedWhereTheSystemDoesNotLetUs) {
  EXPECT_EXIT(std::_Exit(goes_on_unlocked_after_saying_so() ? 0 : 1), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace hg
