// SPDX-License-Identifier: Apache-2.0
// What the inspector says of images: how each is sealed, which ones are plain for all their flag, and that a whole
// image is hashed once for it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "adapters/inspection/image_inspector.hpp"

namespace hg::inspection {
namespace {

using core::Sealing;
using core::Wrap;

struct Row {
  const char* file;
  bool encrypted = false;
  bool is_clear = false;
  std::optional<Sealing> sealing{};
  std::uint64_t hashed = 1;
};

class Inspected : public testing::TestWithParam<Row> {};

TEST_P(Inspected, SaysHowItIsSealed) {
  const std::string path = std::string(HEADGATE_SOURCE_DIR "/tests/vectors/mcuboot/") + GetParam().file;
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  ASSERT_EQ(::fstat(file.get(), &status), 0) << path;
  ports::Counters counters;
  boost::asio::io_context loop;
  ImageInspector inspector(counters);
  std::optional<Result<ports::ImageFacts>> facts;
  const auto keep = [&facts](const std::exception_ptr&, Result<ports::ImageFacts> result) {
    facts = std::move(result);
  };
  boost::asio::co_spawn(loop, inspector.inspect(std::move(file), static_cast<std::uint64_t>(status.st_size)), keep);
  loop.run();
  ASSERT_TRUE(facts && *facts) << (facts ? facts->error().message : "no answer");
  EXPECT_EQ((*facts)->encrypted, GetParam().encrypted);
  EXPECT_EQ((*facts)->is_clear, GetParam().is_clear);
  EXPECT_EQ((*facts)->sealing, GetParam().sealing);
  EXPECT_EQ((*facts)->running_digest.empty(), GetParam().hashed == 0);
  EXPECT_EQ(counters.now().images_hashed, GetParam().hashed);
}

const Row kRows[] = {
    {"app-1.0.0.bin"},
    {"app-1.0.0-clear.bin", false, true, Sealing{Wrap::ec256, 128, 25243, 113}},
    {"app-2.0.0-enc-p256-for-gateway.bin", true, false, Sealing{Wrap::ec256, 128, 205468, 113}},
    {"app-2.0.0-enc-p256-aes256-for-gateway.bin", true, false, Sealing{Wrap::ec256, 256, 25243, 129}},
    {"app-2.0.0-enc-x25519-for-gateway.bin", true, false, Sealing{Wrap::x25519, 128, 205460, 80}},
    {"README.txt", false, false, {}, 0},
};
INSTANTIATE_TEST_SUITE_P(Images, Inspected, testing::ValuesIn(kRows), [](const auto& row) {
  std::string name = row.param.file;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
});

}  // namespace
}  // namespace hg::inspection
