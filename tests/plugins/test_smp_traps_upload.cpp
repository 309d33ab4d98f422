// SPDX-License-Identifier: Apache-2.0
// Known traps of uploads (reference smp.md, section 8, rows 5 to 7, 9 to 12, 14, 16, 17): each test has the name of the
// issue that other clients died of. It shows that the fault is there, then what headgate does.
#include "plugins/traps.hpp"
#include "smp/configuration.hpp"
#include "smp/updater.hpp"
#include "udp/udp_link.hpp"

namespace hg {
namespace {

// ------------------------------------------------------------------------------------------------------------- row 5

TEST_F(SmpTraps, Zephyr51798_ResumesAtAWrongOffsetAfterErase) {
  start_child({"--erase-keeps-upload"});
  std::uint64_t stopped = 0;
  {
    auto before = stranger();
    stopped = before.upload(new_, 6000);
    ASSERT_TRUE(before.ask(smp::kImageErase, smp::erase_request(1)));
    EXPECT_EQ(before.send_piece(new_, 0), stopped) << "the erased slot has none of it";
  }
  serve();
  deliver_all();
  EXPECT_EQ(progress_.front(), stopped);
  EXPECT_EQ(counter("uploads_completed"), 2) << "the first of them ended without its beginning";
  EXPECT_EQ(flash(1), new_.file);
}

// ------------------------------------------------------------------------------------------------------------- row 6

TEST_F(SmpTraps, Zephyr40924_TheSameImageAgain) {
  start_child();
  {
    auto before = stranger();
    before.upload(new_);
    before.send_piece(new_, 0);
    EXPECT_EQ(counter("uploads_started"), 2) << "the child does not notice";
    EXPECT_EQ(counter("erases"), 1);
    before.upload(new_);
  }
  const auto bytes = counter("upload_bytes");
  serve();
  deliver_all();
  EXPECT_EQ(counter("upload_bytes"), bytes) << "what is there was sent again";
}

TEST_F(SmpTraps, Zephyr40924_AChildThatKnowsTheImageAlready) {
  // With the option of PR#50478 the first request is also the last.
  start_child({"--image-check", "--hide", new_.hash.hex().substr(0, 4)});
  {
    auto before = stranger();
    before.upload(new_);
    EXPECT_EQ(before.send_piece(new_, 0), new_.file.size());
  }
  serve();
  expect_failed(bring(new_), Errc::mismatch, "the child does not list it");
  EXPECT_EQ(counter("uploads_started"), 1);
}

// ------------------------------------------------------------------------------------------------------------- row 7

TEST_F(SmpTraps, Zephyr57963_StaleHash) {
  // The child says of an image without a hash what it said of the slot before: the image that runs.
  start({"--stale-hash"});
  const McubootImage hashless = with_ending(small_, {.protected_entries = {}, .hash_size = 0});
  expect_failed(bring(hashless), Errc::mismatch, "it has no hash");
  const auto seen = inspect();
  const auto stale = slot_of(seen, 0, 1);
  ASSERT_TRUE(stale.has_value());
  EXPECT_EQ(stale->digest, old_.hash);
  EXPECT_EQ(stale->version, "1.2.0");
  // Nobody can make it run in the other's name, and a good image still goes through.
  const core::Step in_its_name = core::Activate{1, {{0, old_.hash, hashless.hash}}};
  expect_failed(perform(in_its_name), Errc::not_found, "is not on the child");
  EXPECT_EQ(counter("tests") + counter("reset_requests"), 0);
  update();
}

// ------------------------------------------------------------------------------------------------------------- row 9

TEST_F(SmpTraps, Zephyr44219_WriteErrorLeavesTheUploadBroken) {
  start({"--write-error-at", "20000"});
  deliver_all();
  EXPECT_THAT(child_log(), testing::HasSubstr("fault: flash write error at "));
  EXPECT_EQ(counter("uploads_started"), 2);  // after an erase
  EXPECT_EQ(flash(1), new_.file);
}

TEST_F(SmpTraps, Zephyr44219_LoopsAtTheSameOffset) {
  start({"--stuck-at", "20000"});
  expect_failed(bring(new_), Errc::io, "no progress at offset ");
  EXPECT_LT(counter("upload_bytes"), 2 * 20000 + 1);
  expect_runs(inspect(), old_.hash, true);
}

// ------------------------------------------------------------------------------------------------------------ row 10

class SmpTrapsUdp : public TrapsTest {
 protected:
  SmpTrapsUdp() : TrapsTest("udp") {}
  [[nodiscard]] Arguments link_arguments() const override { return {"--udp", "0"}; }
  void child_is_at(const std::string& place) override {
    port_ = static_cast<std::uint16_t>(std::stoi(place.substr(place.rfind(':') + 1)));
    child_.address = "127.0.0.1:" + std::to_string(port_);
  }
  /// Asks over a socket of its own whether an echo of `size` bytes comes back.
  [[nodiscard]] bool echoes(std::size_t size) const {
    const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Bytes packet = smp::echo_request(size);
    smp::put_header(packet, smp::kEcho, 1, 0);
    if (::sendto(fd.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0) {
      throw std::runtime_error("sendto");
    }
    pollfd ready{fd.get(), POLLIN, 0};
    return ::poll(&ready, 1, 300) == 1;
  }

  /// What a backup of files holds, by an Updater of this process.
  smp::Configuration saved_files(std::vector<std::string> files) {
    const auto nobody = [](const wire::Link&) {};
    const auto link = std::make_shared<udp::UdpLink>(loop_.io.get_executor(), "boiler",
                                                     udp::udp_address_from(child_.address).value(), nobody);
    link->start();
    loop_.until([&] { return link->opening().number != 0; });
    smp::SteadyClock clock(loop_.io.get_executor());
    smp::Profile profile;
    profile.chunk = 300ms;
    profile.backup_files = std::move(files);
    smp::Updater updater(*link, clock, profile);
    const auto saved = loop_.wait(updater.backup({"boiler", 1, clock.now() + 20s, {}}));
    link->close();
    if (!saved) throw std::runtime_error(saved.error().message);
    return smp::decode_configuration(smp::contents_of(saved->file.get()).value()).value();
  }
  std::uint16_t port_ = 0;
};

TEST_F(SmpTrapsUdp, Zephyr67675_Smpclient57_MynewtMcumgrCli29_UdpSizes) {
  start_child({"--buf-size", "2048"});
  EXPECT_TRUE(echoes(1000));
  EXPECT_FALSE(echoes(2000)) << "buf_size says that it takes 2048";
  const auto dropped = counter("link_drops");
  EXPECT_GT(dropped, 0);
  serve();
  update();
  EXPECT_EQ(counter("link_drops"), dropped) << "datagrams above what the child takes";
}

TEST_F(SmpTrapsUdp, Zephyr107815_Zephyr19244_DownloadsThatNoDatagramTakes) {
  // The child fills what its buffer holds, and such an answer never arrives.
  const auto mount = directory_.path / "state" / "fs";
  std::filesystem::create_directories(mount);
  std::ofstream(mount / "large") << std::string(5000, 'x');
  std::ofstream(mount / "small") << "mine";
  start_child({"--buf-size", "2048", "--fs", "/lfs"});
  const auto saved = saved_files({"/lfs/large", "/lfs/small"});
  ASSERT_EQ(saved.files.size(), 2U);
  EXPECT_GT(counter("link_drops"), 0);
  EXPECT_EQ(saved.files[0].state, smp::SavedState::not_saved);
  EXPECT_EQ(saved.files[1].state, smp::SavedState::saved) << "the other one is not to suffer";
  EXPECT_EQ(saved.files[1].content.size(), 4U);

  device_->end(SIGTERM);
  start_child({"--buf-size", "2048", "--fs", "/lfs", "--fs-chunk", "512"});  // the child's remedy
  EXPECT_EQ(saved_files({"/lfs/large"}).files[0].content.size(), 5000U);
}

// ------------------------------------------------------------------------------------------------------------ row 11

TEST_F(SmpTraps, Zephyr98347_ImageMissingFromTheList) {
  start({"--hide", new_.hash.hex().substr(0, 4)});
  expect_failed(bring(new_), Errc::mismatch, "bump the build number");
  EXPECT_EQ(flash(1), new_.file) << "it is there and not listed";
  EXPECT_EQ(counter("uploads_started"), 1) << "sending it again does not help";
  EXPECT_FALSE(slot_of(inspect(), 0, 1).has_value());
  const McubootImage bumped(60000, 1, 9);
  expect_brought(bumped);
}

// ------------------------------------------------------------------------------------------------------------ row 12

TEST_F(SmpTraps, Zephyr118616_HashesOf64Bytes) {
  old_ = with_ending(old_, {.protected_entries = {}, .hash_size = 64});
  new_ = with_ending(new_, {.protected_entries = {}, .hash_size = 64});
  old_.write_to(directory_.path / "old.bin");
  start_child({"--sha-size", "64"});
  {
    auto before = stranger();
    const auto body = before.ask(smp::kImageList, smp::empty_request());
    EXPECT_EQ(smp::slots_in(*body).value().at(0).digest.bytes().size(), 64U);
    before.upload(new_);
    const Digest cut = *Digest::from_bytes(new_.hash.bytes().first(32));
    const auto refused = before.ask(smp::kImageState, smp::test_request(cut));
    EXPECT_FALSE(smp::slots_in(*refused)) << "half a hash was taken";
  }
  serve();
  update();
  EXPECT_EQ(counter("tests"), 1);
}

// ------------------------------------------------------------------------------------------------------------ row 16

TEST_F(SmpTraps, Mcuboot553_Leftovers) {
  start({"--leftovers"});
  deliver_all();
  new_ = small_;
  deliver_all();
  EXPECT_GT(flash(1).size(), small_.file.size()) << "what was longer stands behind it";
  expect_runs(order(activate()), small_.hash, false);
}

// ------------------------------------------------------------------------------------------------------------ row 17

TEST_F(SmpTraps, MynewtMcumgr152_ImageOfAnotherCore) {
  // Both cores trust one key and the child takes anything for any number.
  const McubootImage radio(3000, 0, 7);
  radio.write_to(directory_.path / "radio.bin");
  start({"--image", "1=" + (directory_.path / "radio.bin").native()});
  expect_brought(small_, 1);
  EXPECT_EQ(slot_of(inspect(), 1, 1)->digest, small_.hash) << "the child does not check";
  const auto started = counter("uploads_started");
  expect_failed(bring(small_, 0), Errc::denied, "image 1 of the child is the same");
  expect_failed(bring(radio, 0), Errc::denied, "image 1 of the child is the same");
  expect_failed(bring(old_, 1), Errc::denied, "image 0 of the child is the same");
  EXPECT_EQ(counter("uploads_started"), started);
  EXPECT_EQ(counter("tests") + counter("permanents"), 0);
}

}  // namespace
}  // namespace hg
