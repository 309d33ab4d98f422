// SPDX-License-Identifier: Apache-2.0
// The strict CBOR reader and writer: tables of what is read, what is refused and where.
#include "base/cbor.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

namespace hg::cbor {
namespace {

Bytes hex(std::string_view digits) { return from_hex(digits).value(); }

struct Refusal {
  const char* name;
  const char* input;
  const char* message;
};

class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, SkipNamesTheOffsetAndMovesNothing) {
  const Bytes input = hex(GetParam().input);
  Reader reader(input);
  const auto skipped = reader.skip();
  ASSERT_FALSE(skipped);
  EXPECT_EQ(skipped.error().message, GetParam().message);
  EXPECT_EQ(reader.offset(), 0U);
}

constexpr auto kNotShortest = "a head that is not the shortest one";
INSTANTIATE_TEST_SUITE_P(
    Cbor, Refused,
    testing::Values(
        Refusal{"empty", "", "offset 0: the input ends where an item should begin"},
        Refusal{"uint8_of_23", "1817", "offset 0: a head that is not the shortest one"},
        Refusal{"uint16_of_255", "1900ff", "offset 0: a head that is not the shortest one"},
        Refusal{"uint32_of_65535", "1a0000ffff", "offset 0: a head that is not the shortest one"},
        Refusal{"uint64_of_32_bits", "1b00000000ffffffff", "offset 0: a head that is not the shortest one"},
        Refusal{"long_length", "5801aa", "offset 0: a head that is not the shortest one"},
        Refusal{"cut_head", "1b000000", "offset 0: the input ends inside an item head"},
        Refusal{"reserved_28", "1c", "offset 0: a reserved item head"},
        Refusal{"indefinite_bytes", "5f4101ff", "offset 0: an indefinite length"},
        Refusal{"indefinite_array", "9f01ff", "offset 0: an indefinite length"},
        Refusal{"indefinite_inside", "82019f01ff", "offset 2: an indefinite length"},
        Refusal{"half_float", "f93c00", "offset 0: a float, a break or a simple value other than false, true and null"},
        Refusal{"undefined", "f7", "offset 0: a float, a break or a simple value other than false, true and null"},
        Refusal{"simple_255", "f8ff", "offset 0: a float, a break or a simple value other than false, true and null"},
        Refusal{"cut_bytes", "4401", "offset 0: byte string longer than the input"},
        Refusal{"bytes_bomb", "5b7fffffffffffffff", "offset 0: byte string longer than the input"},
        Refusal{"array_bomb", "9b4000000000000000", "offset 0: array longer than the input"},
        Refusal{"map_bomb", "bbffffffffffffffff", "offset 0: map longer than the input"},
        Refusal{"map_of_one_item", "a101", "offset 0: map longer than the input"},
        Refusal{"cut_array", "820102"
                             "83",
                "offset 3: 1 bytes after the end"},
        Refusal{"not_utf8", "8261ff00", "offset 1: text string that is not UTF-8"},
        Refusal{"nested_17", "8181818181818181818181818181818181"
                             "00",
                "offset 17: items nested too deep"}),
    [](const auto& row) { return row.param.name; });
}  // namespace
}  // namespace hg::cbor
