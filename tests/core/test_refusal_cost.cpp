// SPDX-License-Identifier: Apache-2.0
// The cost of refusing does not grow with what an input claims: 1 KiB that claims 2^63 items is refused as fast as 1
// KiB of zeros, within twice the time. Both are refused in turns, and the median of the ratios counts, so that neither
// the speed of the machine nor its other work decides. Claims that only a reader meets who came some way (an area after
// a header) are held against zeros in their place.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string>
#include <vector>

#include "adapters/crypto/hashes.hpp"
#include "base/cbor.hpp"
#include "images/mcuboot.hpp"
#include "suit/envelope.hpp"

namespace hg {
namespace {

constexpr std::size_t kInputBytes = 1024;
constexpr double kLimit = 2.0;
constexpr int kPairs = 151;
constexpr int kRefusalsInOne = 20;

bool refuses_cbor(ByteView input) {
  cbor::Reader reader(input);
  return !reader.skip() || !reader.finish();
}

bool refuses_map(ByteView input) {
  cbor::Reader reader(input);
  return !cbor::MapKeys::enter(reader, cbor::KeyOrder::any);
}

bool refuses_envelope(ByteView input) {
  return !suit::Envelope::parse(input);
}

bool refuses_image(ByteView input) {
  static const images::HashingWith<crypto::Sha2> hashing;
  return !images::inspect(images::MemorySource(input), hashing);
}

struct Claim {
  const char* name;
  bool (*refuses)(ByteView);
  std::string before;  ///< hexadecimal: what both inputs begin with
  std::string claim;   ///< hexadecimal: what then stands in the one that claims much, and zeros in the other
};

class RefusalCost : public testing::TestWithParam<Claim> {};

Bytes input_of(const std::string& beginning) {
  Bytes input = from_hex(beginning).value();
  input.resize(kInputBytes);
  return input;
}

/// Processor time of this thread, in nanoseconds.
double now() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

double time_of(bool (*refuses)(ByteView), ByteView input) {
  const double start = now();
  for (int i = 0; i < kRefusalsInOne; ++i) EXPECT_TRUE(refuses(input));
  return now() - start;
}

TEST_P(RefusalCost, DoesNotGrowWithTheClaim) {
  const Bytes zeros = input_of(GetParam().before);
  const Bytes claim = input_of(GetParam().before + GetParam().claim);
  std::array<double, kPairs> ratios{};
  for (double& ratio : ratios) {
    const double with_claim = time_of(GetParam().refuses, claim);
    ratio = with_claim / time_of(GetParam().refuses, zeros);
  }
  const auto middle = ratios.begin() + kPairs / 2;
  std::nth_element(ratios.begin(), middle, ratios.end());
  RecordProperty("ratio", std::to_string(*middle));
  EXPECT_LE(*middle, kLimit);
}

/// Header of an image without payload; the TLVs come next.
std::string image(const std::string& protected_size) {
  return "3db8f396000000002000" + protected_size + "0000000000000000010000000000000000000000";
}

std::vector<Claim> claims() {
  return {
      {"cbor_items", refuses_cbor, "", "9b8000000000000000"},
      {"cbor_pairs", refuses_cbor, "", "bb8000000000000000"},
      {"cbor_bytes", refuses_cbor, "", "5b8000000000000000"},
      {"cbor_characters", refuses_cbor, "", "7b8000000000000000"},
      {"cbor_items_in_an_array", refuses_cbor, "", "829b8000000000000000"},
      {"cbor_items_under_a_tag", refuses_cbor, "", "d86b9bffffffffffffffff"},
      {"map_pairs", refuses_map, "", "bb8000000000000000"},
      {"map_pairs_of_the_whole_input", refuses_map, "", "b901fe"},
      {"envelope_items", refuses_envelope, "", "9b8000000000000000"},
      {"envelope_pairs", refuses_envelope, "", "d86bbb8000000000000000"},
      {"envelope_payload_name", refuses_envelope, "", "d86ba17b8000000000000000"},
      {"envelope_authentication", refuses_envelope, "", "d86ba2025b8000000000000000"},
      {"envelope_manifest", refuses_envelope, "", "d86ba1035b8000000000000000"},
      {"envelope_manifest_of_items", refuses_envelope, "", "d86ba1039b8000000000000000"},
      {"envelope_payload", refuses_envelope, "", "d86ba161235b8000000000000000"},
      {"image_header", refuses_image, "", "3db8f39600000000ffffffffffffffff"},
      {"image_payload", refuses_image, "", "3db8f3960000000020000000ffffffff"},
      {"image_area", refuses_image, image("0000"), "0769ffff"},
      {"image_protected_area", refuses_image, image("ffff"), "0869ffff"},
      {"image_entry", refuses_image, image("0000") + "076910001100", "ffff"},
  };
}
INSTANTIATE_TEST_SUITE_P(Refusing, RefusalCost, testing::ValuesIn(claims()),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace hg
