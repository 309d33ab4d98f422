// SPDX-License-Identifier: Apache-2.0
// A gateway on virtual time: the real service over fakes. The World (children, disk, web, clock) outlives the Session
// (the daemon's process), so that a test can cut the power and start another one. The deliverable is the vector
// derived/ok_base.suit, signed with ESP256 by the drafts' example key: image mcu0 integrated, mcu1 to be fetched.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "adapters/crypto/keys.hpp"
#include "adapters/crypto/public_keys.hpp"
#include "fakes/counting_lock.hpp"
#include "fakes/flash_child.hpp"
#include "fakes/memory_blobs.hpp"
#include "fakes/memory_catalogue.hpp"
#include "fakes/memory_web.hpp"
#include "fakes/queued_announcements.hpp"
#include "fakes/recording_journal.hpp"
#include "fakes/virtual_clock.hpp"
#include "service/gateway.hpp"
#include "suit/manifest.hpp"

namespace hg::service::test {

namespace asio = boost::asio;

inline std::string vector_path(const std::string& name) {
  return std::string(HEADGATE_SOURCE_DIR) + "/tests/vectors/suit/" + name;
}

inline Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Says what a child will report of an image: its SHA-256, so that any bytes will do.
class PlainInspector final : public ports::Inspector {
 public:
  [[nodiscard]] asio::awaitable<Result<ports::ImageFacts>> inspect(UniqueFd image, std::uint64_t size) override {
    Bytes content(size);
    if (::pread(image.get(), content.data(), size, 0) != static_cast<ssize_t>(size))
      co_return from_errno(errno, "pread");
    co_return ports::ImageFacts{"2.0.0", fakes::sha256_of(content), false};
  }
};

inline const std::string kUrl = "https://cloud.example/boiler/2.suit";
inline const std::string kImageUrl = "https://fw.example/img1";  // stands in the vector

/// A loop whose coroutines end with the process that they stand for, while the loop itself lasts as long as the world:
/// a thread that has just answered a coroutine (adapters/on_pool.hpp) still lets go of the loop after that.
class ProcessLoop final : public asio::io_context {
 public:
  ProcessLoop() : asio::io_context(1) {}
  void kill() { shutdown(); }
};

struct World {
  World() {
    children.emplace("boiler", fakes::FlashChild{{"1.0.0", fakes::sha256_of(as_bytes("the factory's image"))}});
    web.put(kUrl, read_file(vector_path("derived/ok_base.suit")));
    web.put(kImageUrl, read_file(vector_path("derived/img1.bin")));
    const Bytes pem = read_file(vector_path("keys/suit-example-p256-public.pem"));
    trust::Key author;
    author.name = "suit-example-p256-public";
    author.cose_key = crypto::cose_key_from_pem(std::string(pem.begin(), pem.end())).value();
    source.author_keys.push_back(author);
    const std::vector<cose::NamedKey> named{{author.name, author.cose_key}};
    const Bytes envelope = read_file(vector_path("derived/ok_base.suit"));
    manifest = suit::open(envelope, *real_rings.ring_of(named).value()).value();
  }

  [[nodiscard]] core::Enrollment boiler() const {
    core::Enrollment child;
    child.id = "boiler";
    child.transport = "serial";
    child.targets = {{"mcu0", 0}};
    child.vendor = manifest.images.front().vendor_id.value();
    child.device_class = manifest.images.front().class_id.value();
    child.link = core::LinkProtection::internal;
    return child;
  }

  fakes::VirtualClock clock;
  fakes::MemoryCatalogue catalogue{&clock, Duration{5}};
  fakes::MemoryBlobs blobs;
  fakes::MemoryWeb web{&clock, Duration{2}};
  fakes::RecordingJournal journal;
  fakes::FlashChildren children;
  Duration latency{10};  ///< of each step; a transfer takes eleven times as long
  crypto::RingMaker real_rings;
  const cose::RingMaker* rings = &real_rings;
  TrustSource source;                              ///< the example key, an author of everything
  ports::KeySafe* key_safe = nullptr;              ///< this gateway has no key of its own
  const ports::ChildTypes* child_types = nullptr;  ///< only the configuration enrolls children
  ports::DropBox* drop_box = nullptr;
  suit::Manifest manifest;
  std::vector<std::string> all_steps;               ///< what was asked of children, over all sessions
  std::vector<std::shared_ptr<ProcessLoop>> loops;  ///< of all sessions
};

/// One run of the daemon. Destroying it is a SIGKILL: nothing is finished.
class Session {
 public:
  explicit Session(World& world, std::vector<core::Enrollment> children, std::vector<core::Layout> layouts = {},
                   std::vector<core::Group> groups = {})
      : world_(world),
        process_(world),
        transport(world.children, world.clock, world.latency),
        gateway(loop.get_executor(),
                GatewayPorts{world.catalogue, world.blobs, world.web, announcements, inspector_, transport, world.clock,
                             world.journal, *world.rings, world.key_safe, world.child_types, nullptr, world.drop_box,
                             &shutdown_lock},
                GatewaySettings{}) {
    if (const auto recovered = gateway.recover(world.source); !recovered)
      throw std::runtime_error(recovered.error().message);
    asio::co_spawn(loop, gateway.run(), [this](const std::exception_ptr&) { ended = true; });
    gateway.enroll(std::move(children), std::move(layouts), std::move(groups));
  }
  explicit Session(World& world) : Session(world, {world.boiler()}) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { world_.all_steps.insert(world_.all_steps.end(), transport.steps.begin(), transport.steps.end()); }

  [[nodiscard]] const core::State& state() { return gateway.control().state(); }
  [[nodiscard]] const core::Child& boiler() { return state().children.at("boiler"); }
  [[nodiscard]] core::Phase phase() { return boiler().update ? boiler().update->phase : core::Phase::preflight; }

  bool run_until(const std::function<bool()>& reached, Duration at_most = std::chrono::hours{1}) {
    return world_.clock.run_until(loop, reached, at_most);
  }

  /// Until its line among the arrivals says what became of it; that line.
  ports::Arrival arrive(const std::string& url, Duration at_most = std::chrono::hours{24}) {
    announcements.announce(url);
    const auto line_of = [&]() -> ports::Arrival {
      for (ports::Arrival& line : gateway.control().arrivals())
        if (line.url == url) return std::move(line);
      return {};
    };
    const auto is_under_way = [&] {
      const ports::Arrival line = line_of();
      return !line.url.empty() &&
             (line.state == ports::ArrivalState::waiting || line.state == ports::ArrivalState::fetching);
    };
    run_until(is_under_way, at_most);  // an earlier line of the same URL may still be there
    const auto is_settled = [&] { return !is_under_way(); };
    // The real safe works on a thread of its own, which virtual time does not wait for.
    for (int tries = 0; world_.key_safe != nullptr && tries < 2000 && !run_until(is_settled, Duration{100}); ++tries)
      loop.run_one_for(std::chrono::milliseconds{10});
    run_until(is_settled, at_most);
    return line_of();
  }

  bool seal() {
    announcements.announce(kUrl);
    return run_until([&] { return !state().deliverables.empty(); });
  }

  /// Asks for a rollout; what came of it stands in `answer` when the loop has run.
  void start_rollout(std::vector<core::ChildId> to = {}, bool approved = false) {
    core::RolloutRequested request{state().deliverables.begin()->first, std::move(to), 0, approved};
    const auto ask = [](Session& session, core::RolloutRequested wanted) -> asio::awaitable<void> {
      session.answer = co_await session.gateway.control().start_rollout(std::move(wanted));
    };
    asio::co_spawn(loop, ask(*this, std::move(request)), asio::detached);
  }

  /// Until the child's update is confirmed, and that is durable.
  bool confirm() {
    return run_until([&] {
      const core::Child& kept = world_.catalogue.durable().children.at("boiler");
      return phase() == core::Phase::confirmed && kept.update && kept.update->phase == core::Phase::confirmed;
    });
  }

 private:
  World& world_;

 public:
  std::optional<Result<core::RolloutId>> answer;
  bool ended = false;  ///< run() has returned

 private:
  /// First here, so that its coroutines go last, as they do with a loop that is a member.
  struct Process {
    explicit Process(World& world) : loop(world.loops.emplace_back(std::make_shared<ProcessLoop>())) {}
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process() { loop->kill(); }
    std::shared_ptr<ProcessLoop> loop;
  } process_;

 public:
  asio::io_context& loop = *process_.loop;
  fakes::QueuedAnnouncements announcements;
  fakes::FlashTransport transport;
  fakes::CountingLock shutdown_lock;  ///< dies with the process, as a descriptor does

 private:
  PlainInspector inspector_;

 public:
  Gateway gateway;
};

}  // namespace hg::service::test
