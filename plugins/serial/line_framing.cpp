// SPDX-License-Identifier: Apache-2.0
#include "serial/line_framing.hpp"

#include <algorithm>
#include <array>

#include "smp/console.hpp"
#include "smp/raw_framing.hpp"

namespace hg::serial {
namespace {

using smp::Milliseconds;

constexpr Milliseconds kDrain{5};  // until the child has taken a lone newline out of its few line buffers
constexpr std::array<std::uint8_t, 1> kNewline = {'\n'};

class ConsoleFraming final : public LineFraming {
 public:
  explicit ConsoleFraming(Milliseconds line_gap) : line_gap_(line_gap) {}

  [[nodiscard]] const smp::Link::Limits& limits() const override {
    // n lines carry 93 n - 4 bytes (smp.md 2.1); the first step is what two small line buffers always take.
    static const smp::Link::Limits limits{8 * 1024, {128, 182, 368, 740, 1484, 2972}, 1, true, true};
    return limits;
  }

  /// After an error a newline of its own ends whatever half a line stands in the child's buffer.
  void put(ByteView packet, bool anew, std::vector<Piece>& pieces) override {
    pieces.clear();
    if (anew) pieces.push_back({Milliseconds{0}, kNewline});
    lines_.clear();
    smp::encode_console(packet, lines_);
    Milliseconds pause = anew ? kDrain : Milliseconds{0};
    for (ByteView rest = lines_; !rest.empty(); pause = line_gap_) {
      const auto end = line_gap_ == Milliseconds{0} ? rest.end() : std::ranges::find(rest, std::uint8_t{'\n'}) + 1;
      pieces.push_back({pause, ByteView(rest.begin(), end)});
      rest = ByteView(end, rest.end());
    }
  }
  void set_line_gap(Milliseconds gap) override { line_gap_ = gap; }

  void reset() override { decoder_.reset(); }
  void feed(ByteView received, const std::function<void(Bytes)>& deliver) override { decoder_.feed(received, deliver); }

 private:
  Milliseconds line_gap_;
  Bytes lines_;  // of the packet being written
  smp::ConsoleDecoder decoder_;
};

class RawFraming final : public LineFraming {
 public:
  explicit RawFraming(Milliseconds silence) : silence_(silence) {}

  [[nodiscard]] const smp::Link::Limits& limits() const override {
    static const smp::Link::Limits limits{
        smp::RawDecoder::kMaxPacket, {128, 256, 384, 512, 1024, 2048, 4096}, 1, true, false};
    return limits;
  }
  [[nodiscard]] Milliseconds silence() const override { return silence_; }
  void after_silence() override { decoder_.reset(); }
  [[nodiscard]] bool is_out_of_step() const override { return decoder_.is_out_of_step(); }

  void put(ByteView packet, bool, std::vector<Piece>& pieces) override { pieces.assign(1, {Milliseconds{0}, packet}); }

  void reset() override { decoder_.reset(); }
  void feed(ByteView received, const std::function<void(Bytes)>& deliver) override { decoder_.feed(received, deliver); }

 private:
  Milliseconds silence_;
  smp::RawDecoder decoder_;
};

}  // namespace

std::unique_ptr<LineFraming> make_framing(const smp::Profile& profile) {
  if (profile.framing == smp::Framing::raw) return std::make_unique<RawFraming>(profile.raw_silence);
  return std::make_unique<ConsoleFraming>(profile.line_gap);
}

}  // namespace hg::serial
