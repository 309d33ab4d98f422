// SPDX-License-Identifier: Apache-2.0
// Inputs that are small and claim much, deep or large: what they cost. No stack that grows with nesting, no memory that
// grows with a claim, and no copy of what is really there. Every new of this program is counted.
#include <gtest/gtest.h>
#include <pthread.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <new>

#include "base/cbor.hpp"
#include "suit/envelope.hpp"

namespace {

/// Bytes that this thread has ever asked for.
std::size_t& allocated() {
  thread_local std::size_t bytes = 0;
  return bytes;
}

}  // namespace

void* operator new(std::size_t size) {
  allocated() += size;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace hg {
namespace {

using cbor::Reader;

constexpr std::size_t kMebibyte = std::size_t{1} << 20U;

/// How many bytes `work` allocates.
template <class Work>
std::size_t cost_of(Work work) {
  const std::size_t before = allocated();
  work();
  return allocated() - before;
}

// ----------------------------------------------------------------------------------------------------- nesting

/// Byte strings in one another, each as long as it can be, down to an empty one.
Bytes wrapped_bomb(std::size_t size) {
  Bytes bomb;
  for (std::size_t content = size; content > 0;) {
    Bytes head;
    do {
      head.clear();
      cbor::Writer(head).uint(--content);
    } while (head.size() + content > size);
    head[0] |= 0x40U;  // the same number as the length of a byte string
    bomb.insert(bomb.end(), head.begin(), head.end());
    size = content;
  }
  return bomb;
}

Bytes repeated(const Bytes& unit, std::size_t size) {
  Bytes bomb;
  bomb.reserve(size + unit.size());
  while (bomb.size() < size) bomb.insert(bomb.end(), unit.begin(), unit.end());
  return bomb;
}

/// Runs `work` on a stack of 256 KiB: one frame per level of a bomb of 1 MiB would need many times as much.
void on_small_stack(std::function<void()> work) {
  pthread_attr_t small;
  ASSERT_EQ(pthread_attr_init(&small), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&small, kMebibyte / 4), 0);
  const auto call = [](void* given) -> void* {
    (*static_cast<std::function<void()>*>(given))();
    return nullptr;
  };
  pthread_t thread{};
  ASSERT_EQ(pthread_create(&thread, &small, call, &work), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&small);
}

struct Bomb {
  const char* name;
  Bytes (*unit)();
};

class Nesting : public testing::TestWithParam<Bomb> {};

TEST_P(Nesting, IsRefusedForTheCostOfItsError) {
  const Bytes unit = GetParam().unit();
  const Bytes bomb = repeated(unit, kMebibyte);
  on_small_stack([&] {
    Reader reader(bomb);
    Result<void> skipped{};
    const std::size_t cost = cost_of([&] { skipped = reader.skip(); });
    ASSERT_FALSE(skipped);
    EXPECT_EQ(skipped.error().code, Errc::too_large);
    EXPECT_TRUE(skipped.error().message.ends_with(": items nested too deep")) << skipped.error().message;
    EXPECT_EQ(reader.offset(), 0U);
    EXPECT_LT(cost, 1024U);  // the text of the error
  });
}

TEST_P(Nesting, InAnEnvelopeIsRefusedWhereverItStands) {
  const Bytes bomb = repeated(GetParam().unit(), kMebibyte);
  for (const char* const head : {"", "d86b", "d86ba1", "d86ba102", "d86ba103", "d86ba2024003", "d86ba16123"}) {
    Bytes envelope = from_hex(head).value();
    envelope.insert(envelope.end(), bomb.begin(), bomb.end());
    on_small_stack([&] {
      const std::size_t cost = cost_of([&] { EXPECT_FALSE(suit::Envelope::parse(envelope)) << head; });
      EXPECT_LT(cost, 2048U) << head;
    });
  }
}

const Bomb kNesting[] = {
    {"arrays", [] { return Bytes{0x81}; }},
    {"maps_in_values",
     [] {
       return Bytes{0xa1, 0x00};
     }},
    {"maps_in_keys", [] { return Bytes{0xa1}; }},
    {"tags", [] { return Bytes{0xc6}; }},
    {"tags_of_one_byte",
     [] {
       return Bytes{0xd8, 0x6b};
     }},
    {"arrays_and_tags",
     [] {
       return Bytes{0x81, 0xd8, 0x6b};
     }},
};
INSTANTIATE_TEST_SUITE_P(Bombs, Nesting, testing::ValuesIn(kNesting), [](const auto& row) { return row.param.name; });

TEST(Bombs, ByteStringsInOneAnotherAreOneItemUntilSomebodyUnwrapsThem) {
  const Bytes bomb = wrapped_bomb(kMebibyte);
  on_small_stack([&] {
    EXPECT_EQ(cost_of([&] { EXPECT_TRUE(Reader(bomb).skip()); }), 0U);
    Reader reader(bomb);
    std::size_t levels = 0;
    const std::size_t cost = cost_of([&] {
      for (; !reader.at_end(); ++levels) reader = *reader.read_wrapped();
    });
    EXPECT_EQ(cost, 0U);
    EXPECT_GT(levels, 200000U);
  });
}

TEST(Bombs, ByteStringsInOneAnotherAreNoEnvelope) {
  const Bytes bomb = wrapped_bomb(kMebibyte);
  for (const char* const head : {"", "d86b", "d86ba102", "d86ba103", "d86ba16123"}) {
    Bytes envelope = from_hex(head).value();
    envelope.insert(envelope.end(), bomb.begin(), bomb.end());
    on_small_stack([&] { EXPECT_FALSE(suit::Envelope::parse(envelope)) << head; });
  }
}

// ----------------------------------------------------------------------------------------------------- lengths

struct Claim {
  const char* name;
  const char* head;
};

class Length : public testing::TestWithParam<Claim> {};

/// 1 KiB that begins so.
Bytes kibibyte(const char* head) {
  Bytes input = from_hex(head).value();
  input.resize(1024);
  return input;
}

TEST_P(Length, BeyondTheInputCostsNoMoreThanTheErrorThatSaysSo) {
  const Bytes input = kibibyte(GetParam().head);
  EXPECT_EQ(cost_of([&] { EXPECT_FALSE(Reader(input).next_is(cbor::Type::array)); }), 0U);
  const std::size_t cost = cost_of([&] {
    Reader reader(input);
    EXPECT_FALSE(reader.skip());
    EXPECT_FALSE(reader.enter_array());
    EXPECT_FALSE(reader.enter_map());
    EXPECT_FALSE(reader.read_bytes());
    EXPECT_FALSE(reader.read_text());
    EXPECT_FALSE(cbor::MapKeys::enter(reader));
    EXPECT_FALSE(cbor::MapKeys::enter(reader, cbor::KeyOrder::any));
    EXPECT_EQ(reader.offset(), 0U);
  });
  EXPECT_LT(cost, 4096U);
}

constexpr Claim kLengths[] = {{"items", "9b8000000000000000"},           {"pairs", "bb8000000000000000"},
                              {"bytes", "5b8000000000000000"},           {"characters", "7b8000000000000000"},
                              {"most_items", "9bffffffffffffffff"},      {"most_pairs", "bbffffffffffffffff"},
                              {"most_bytes", "5bffffffffffffffff"},      {"one_item_too_many", "9903fe"},
                              {"one_pair_too_many", "b901ff"},           {"one_byte_too_many", "5903fe"},
                              {"a_quarter_of_all", "9b4000000000000000"}};
INSTANTIATE_TEST_SUITE_P(Bombs, Length, testing::ValuesIn(kLengths), [](const auto& row) { return row.param.name; });

TEST(Bombs, AMapOfAsManyKeysAsThereIsRoomForKeepsNoneOfThem) {
  Bytes input;
  cbor::Writer writer(input);
  constexpr std::size_t kKeys = 100000;
  writer.map(kKeys);
  for (std::size_t key = 0; key < kKeys; ++key) writer.uint(key).null();
  const std::size_t cost = cost_of([&] {
    Reader reader(input);
    auto keys = cbor::MapKeys::enter(reader).value();
    while (keys.next()->has_value()) ASSERT_TRUE(reader.skip());
    EXPECT_TRUE(reader.at_end());
  });
  EXPECT_EQ(cost, 0U);
}

TEST(Bombs, AMapOfOneKeyManyTimesEndsAtTheSecond) {
  for (const cbor::KeyOrder order : {cbor::KeyOrder::ascending, cbor::KeyOrder::any}) {
    const std::size_t count = order == cbor::KeyOrder::any ? cbor::kMaxUnorderedKeys : 100000;
    Bytes input;
    cbor::Writer writer(input);
    writer.map(count);
    for (std::size_t i = 0; i < count; ++i) writer.uint(3).null();
    Reader reader(input);
    auto keys = cbor::MapKeys::enter(reader, order).value();
    EXPECT_TRUE(keys.next());
    EXPECT_TRUE(reader.skip());
    EXPECT_LT(cost_of([&] { EXPECT_TRUE(keys.next().error().message.ends_with(": map key 3 twice")); }), 1024U);
  }
}

// ------------------------------------------------------------------------------------------- what is really there

TEST(Bombs, AByteStringOf64MebibytesIsReadInPlace) {
  Bytes input;
  cbor::Writer(input).bytes(Bytes(64 * kMebibyte, 0x5a));
  ByteView content;
  const std::size_t cost = cost_of([&] {
    content = Reader(input).read_bytes().value();
    EXPECT_EQ(Reader(input).read_item()->data(), input.data());
    EXPECT_TRUE(Reader(input).read_wrapped());
    EXPECT_TRUE(Reader(input).skip());
  });
  EXPECT_EQ(content.data(), input.data() + 5);
  EXPECT_EQ(content.size(), 64 * kMebibyte);
  EXPECT_EQ(cost, 0U);
}

TEST(Bombs, APayloadOf64MebibytesInAnEnvelopeIsASliceOfIt) {
  Bytes input = from_hex("d86ba30241000341006423617070").value();  // {2: h'00', 3: h'00', "#app": ...}
  cbor::Writer(input).bytes(Bytes(64 * kMebibyte, 0x5a));
  const std::size_t cost = cost_of([&] {
    const auto envelope = suit::Envelope::parse(input);
    ASSERT_TRUE(envelope) << envelope.error().message;
    EXPECT_EQ(envelope->payloads.at(0).bytes.size(), 64 * kMebibyte);
    EXPECT_EQ(envelope->payloads[0].bytes.data(), input.data() + envelope->payloads[0].offset);
  });
  EXPECT_LT(cost, 1024U);
}

/// Every item inside `input`, one after the other; nothing of it is kept.
void walk(Reader reader) {
  while (!reader.at_end()) {
    if (reader.next_is(cbor::Type::map)) {
      (void)reader.enter_map();
    } else if (reader.next_is(cbor::Type::array)) {
      (void)reader.enter_array();
    } else if (reader.next_is(cbor::Type::tag)) {
      (void)reader.read_tag();
    } else {
      ASSERT_TRUE(reader.skip());
    }
  }
}

TEST(Bombs, TheReaderAllocatesNothingForWhatItAccepts) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HEADGATE_SOURCE_DIR "/tests/vectors/suit/derived")) {
    if (!entry.path().filename().string().starts_with("ok_")) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const Bytes envelope(std::istreambuf_iterator<char>(file), {});
    EXPECT_EQ(cost_of([&] { EXPECT_TRUE(Reader(envelope).skip()); }), 0U) << entry.path();
    EXPECT_EQ(cost_of([&] { walk(Reader(envelope)); }), 0U) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 5U);
}

}  // namespace
}  // namespace hg
