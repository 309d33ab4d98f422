// SPDX-License-Identifier: Apache-2.0
// A whole plugin in one page: its children are directories. An image is copied to `next`; activating it renames `next`
// to `running`. There is no way back, so the revert class is `irrevocable`. See plugins/README.md.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "sdk/program.hpp"

namespace {

using namespace hg;
namespace fs = std::filesystem;
namespace asio = boost::asio;

class DropBox final : public plugin::Driver {
 public:
  explicit DropBox(plugin::LinkReport report) : report_(std::move(report)) {}

  void enroll(const wire::Enroll& child) override {
    boxes_[child.child] = child.address;
    report_({child.child, fs::is_directory(child.address), "no such directory"});
  }
  void forget(const std::string& child) override { boxes_.erase(child); }

  asio::awaitable<Result<wire::Seen>> inspect(plugin::Job job) override { co_return seen(job.child); }

  asio::awaitable<Result<plugin::Outcome>> deliver(plugin::Job job, wire::Deliver request,
                                                   plugin::ImageView image) override {
    if (request.staging != wire::Staging::aside) co_return plugin::Outcome{false, seen(job.child)};
    std::ofstream next(boxes_[job.child] / "next", std::ios::binary);
    Bytes block(4096);
    for (std::uint64_t done = 0; done < request.size; job.progress(done, request.size)) {
      block.resize(static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), request.size - done)));
      if (const auto read = image.read(done, block); !read) co_return read.error();
      std::ranges::copy(block, std::ostreambuf_iterator<char>(next));
      done += block.size();
    }
    std::ofstream(boxes_[job.child] / "next.digest") << request.after.hex();
    if (!next.flush()) co_return Error{Errc::no_space, "the box is full"};
    co_return plugin::Outcome{};
  }

  asio::awaitable<Result<plugin::Outcome>> activate(plugin::Job job, wire::Activate request) override {
    if (request.moves.size() != 1) co_return Error{Errc::unsupported, "a box holds one image"};
    if (digest(job.child, "running") != request.moves.front().active) co_return plugin::Outcome{false, seen(job.child)};
    for (const char* ending : {"", ".digest"}) {
      std::error_code failure;
      const fs::path box = boxes_[job.child];
      fs::rename(box / ("next" + std::string(ending)), box / ("running" + std::string(ending)), failure);
      if (failure) co_return Error{Errc::io, failure.message()};
    }
    co_return plugin::Outcome{true, seen(job.child)};
  }
  asio::awaitable<Result<plugin::Outcome>> confirm(plugin::Job job, wire::Confirm request) override {
    if (request.guards.size() != 1) co_return Error{Errc::unsupported, "a box holds one image"};
    co_return plugin::Outcome{digest(job.child, "running") == request.guards.front().active, seen(job.child)};
  }
  asio::awaitable<Result<plugin::Outcome>> revert(plugin::Job, wire::Revert) override {
    co_return Error{Errc::unsupported, "what is gone is gone"};
  }

 private:
  Digest digest(const std::string& child, const std::string& name) {
    std::string hex;
    std::ifstream(boxes_[child] / (name + ".digest")) >> hex;
    return Digest::from_text(hex).value_or(Digest{});
  }
  wire::Seen seen(const std::string& child) {
    wire::Seen seen;
    seen.revert_class = wire::RevertClass::irrevocable;
    const Digest next = digest(child, "next");
    seen.slots.push_back({0, 0, "", digest(child, "running"), true, false, true, true, true});
    if (!next.empty()) seen.slots.push_back({0, 1, "", next, true, false, false, false, false});
    return seen;
  }

  plugin::LinkReport report_;
  std::map<std::string, fs::path> boxes_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto make = [](const plugin::Setup& setup) { return std::make_unique<DropBox>(setup.report); };
  return plugin::run_program(argc, argv, {"dropbox", "drop_box 1", wire::kCanOverlay}, make);
}
