// SPDX-License-Identifier: Apache-2.0
#include "app/daemon.hpp"

#include <grp.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <optional>

#include "adapters/cloud/curl_fetcher.hpp"
#include "adapters/cloud/curl_library.hpp"
#include "adapters/cloud/mqtt_announcements.hpp"
#include "adapters/cloud/no_broker.hpp"
#include "adapters/crypto/keys.hpp"
#include "adapters/dbus/face.hpp"
#include "adapters/dbus/logind_lock.hpp"
#include "adapters/inspection/image_inspector.hpp"
#include "adapters/storage/directory_blobs.hpp"
#include "adapters/storage/sqlite_catalogue.hpp"
#include "adapters/system/drop_directory.hpp"
#include "adapters/system/machine_id.hpp"
#include "adapters/system/notify.hpp"
#include "adapters/system/steady_clock.hpp"
#include "adapters/transport/plugin_board.hpp"
#include "app/child_types.hpp"
#include "app/counting_rings.hpp"
#include "app/credentials.hpp"
#include "app/key_safe.hpp"
#include "app/trust_source.hpp"
#include "service/gateway.hpp"
#include "service/tasks.hpp"

namespace hg::app {

namespace asio = boost::asio;

namespace {

Result<void> make_directory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return from_errno(error.value(), "make directory " + path.string());
  return {};
}

transport::BoardSettings board_settings(const Config& config, const std::string& version) {
  transport::BoardSettings settings;
  settings.socket = config.runtime / "plugins.sock";
  settings.software = "headgated " + version;
  for (const PluginBinding& plugin : config.plugins) settings.bindings.push_back({plugin.transport, plugin.uid});
  return settings;
}

Result<cloud::Identity> cloud_identity(const CloudConfig& config) {
  cloud::Identity identity;
  identity.ca_file = config.ca_file;
  identity.certificate_file = config.certificate_file;
  if (config.private_key_credential.empty()) return identity;
  const Result<std::filesystem::path> key = credential_path(config.private_key_credential);
  if (!key) return key.error().within("cloud.private_key_credential");
  identity.private_key_file = *key;
  return identity;
}

Result<cloud::Broker> broker_settings(const CloudConfig& config, const cloud::Identity& identity) {
  cloud::Broker broker;
  broker.url = config.broker;
  broker.topic = config.topic;
  broker.client_id = config.client_id;
  broker.identity = identity;
  broker.username = config.username;
  if (broker.client_id.empty()) {
    const Result<std::string> id = system::gateway_id();
    if (!id) return id.error().within("cloud.client_id is not set, and cannot be made");
    broker.client_id = "headgate-" + *id;
  }
  if (!config.password_credential.empty()) {
    Result<std::string> password = read_credential(config.password_credential);
    if (!password) return password.error().within("cloud.password_credential");
    broker.password = cloud::Secret(*password);
    wipe({reinterpret_cast<std::uint8_t*>(password->data()), password->size()});
  }
  return broker;
}

core::UrgencyLimits limits_of(const UrgencyConfig& config) {
  return {config.emergency, config.major};
}

core::Policy policy_of(const Config& config) {
  return {config.trust.require_head, config.trust.hold_when_expired, limits_of(config.urgency)};
}

Result<std::optional<gid_t>> group_id(const std::string& name) {
  if (name.empty()) return std::optional<gid_t>{};
  const group* entry = ::getgrnam(name.c_str());
  if (entry == nullptr) return Error{Errc::not_found, "plugins.group: there is no group " + name};
  return std::optional<gid_t>{entry->gr_gid};
}

}  // namespace

/// In the order in which they are made: what stands below may use what stands above.
struct Daemon::Parts {
  Parts(asio::io_context& the_loop, Invocation the_invocation, Config the_config, ports::Journal& the_journal)
      : loop(the_loop),
        invocation(std::move(the_invocation)),
        config(std::move(the_config)),
        journal(the_journal),
        clock(invocation.built_at),
        shutdown_lock(loop.get_executor(), invocation.bus, journal),
        rings(real_rings, counters),
        child_types(config, [this](const std::string& name,
                                   TransportTables tables) { board->add_profile(name, std::move(tables)); }),
        inspector(counters),
        tasks(loop.get_executor()) {}

  void make_gateway() {
    service::GatewaySettings settings;
    settings.ingest.admission.persistence.attempts = config.fetch_attempts;
    settings.ingest.admission.same_host_only = config.same_host_only;
    settings.urgency = limits_of(config.urgency);
    gateway.emplace(
        loop.get_executor(),
        service::GatewayPorts{*catalogue, *blobs, *fetcher, *announcements, inspector, *board, clock, journal, rings,
                              key_safe.get(), &child_types, &counters, drop_box.get(), &shutdown_lock},
        settings);
    face.emplace(loop.get_executor(), invocation.bus, gateway->control(), clock, journal, invocation.version);
    gateway->watch(*face);
  }

  Result<void> open_safe() {
    if (!config.keys.has_own()) return {};
    auto opened = open_key_safe(config.keys, config.state, counters);
    if (!opened) return opened.error();
    key_safe = std::move(opened->safe);
    if (!opened->moved_aside.empty())
      journal.write(ports::Level::warning, {},
                    "the store key does not open with this gateway's key, and is kept as " +
                        opened->moved_aside.string() + " (docs/keys.md)");
    return {};
  }

  Result<void> open_drop_box() {
    if (config.import.empty()) return {};
    auto opened = system::DropDirectory::open(loop.get_executor(), config.import, journal);
    if (!opened) return opened.error().within("directories.import");
    drop_box = std::move(*opened);
    return {};
  }

  Result<void> make_cloud() {
    const Result<cloud::Identity> identity = cloud_identity(config.cloud);
    if (!identity) return identity.error();
    cloud::Fetching fetching;
    fetching.identity = *identity;
    fetching.minimum_bytes_per_second = static_cast<unsigned>(config.minimum_bytes_per_second);
    fetching.user_agent = "headgate/" + invocation.version;
    fetcher.emplace(curl, fetching);
    if (config.cloud.broker.empty()) {
      announcements = std::make_unique<cloud::NoBroker>();
      return {};
    }
    Result<cloud::Broker> settings = broker_settings(config.cloud, *identity);
    if (!settings) return settings.error();
    auto opened = cloud::MqttAnnouncements::open(std::move(*settings), loop.get_executor(), clock, journal);
    if (!opened) return opened.error();
    broker = opened->get();
    announcements = std::move(*opened);
    return {};
  }

  asio::io_context& loop;
  Invocation invocation;
  Config config;
  ports::Journal& journal;
  system::SteadyClock clock;
  bus::LogindLock shutdown_lock;
  system::Notify notify;
  ports::Counters counters;
  crypto::RingMaker real_rings;
  CountingRings rings;
  ConfiguredChildTypes child_types;
  std::unique_ptr<ports::KeySafe> key_safe;
  std::unique_ptr<system::DropDirectory> drop_box;
  inspection::ImageInspector inspector;
  std::unique_ptr<storage::SqliteCatalogue> catalogue;
  std::unique_ptr<storage::DirectoryBlobs> blobs;
  cloud::CurlLibrary curl;
  std::optional<cloud::CurlFetcher> fetcher;
  std::unique_ptr<ports::Announcements> announcements;
  cloud::MqttAnnouncements* broker = nullptr;  // the same, where there is a broker
  std::unique_ptr<transport::PluginBoard> board;
  std::optional<service::Gateway> gateway;
  std::optional<bus::Face> face;
  service::Tasks tasks;
};

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>> Daemon::make(asio::io_context& loop, Invocation invocation, Config config,
                                             ports::Journal& journal) {
  auto parts = std::make_unique<Parts>(loop, std::move(invocation), std::move(config), journal);
  for (const auto& directory : {parts->config.state, parts->config.cache, parts->config.runtime})
    if (const Result<void> made = make_directory(directory); !made) return made.error();
  if (const Result<void> opened = parts->open_safe(); !opened) return opened.error();

  auto catalogue = storage::SqliteCatalogue::open(parts->config.state, journal);
  if (!catalogue) return catalogue.error();
  parts->catalogue = std::move(*catalogue);
  auto blobs = storage::DirectoryBlobs::open(parts->config.cache, parts->config.cache_limit_bytes, &parts->counters);
  if (!blobs) return blobs.error();
  parts->blobs = std::move(*blobs);

  if (const Result<void> made = parts->make_cloud(); !made) return made.error();
  transport::BoardSettings board = board_settings(parts->config, parts->invocation.version);
  const Result<std::optional<gid_t>> group = group_id(parts->config.plugin_group);
  if (!group) return group.error();
  board.group = *group;
  parts->board = std::make_unique<transport::PluginBoard>(loop.get_executor(), parts->clock, journal, std::move(board));
  if (const Result<void> opened = parts->open_drop_box(); !opened) return opened.error();
  parts->make_gateway();
  const service::TrustSource trusted = read_trust_source(parts->config.trust, journal);
  if (const Result<void> recovered = parts->gateway->recover(trusted); !recovered) return recovered.error();
  parts->gateway->set_policy(policy_of(parts->config));
  return std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
}

Result<void> Daemon::listen() {
  Parts& p = *parts_;
  p.board->set_profiles(p.config.profiles);
  if (const Result<void> started = p.board->start(); !started) return started.error();
  p.gateway->enroll(p.config.children, p.config.layouts, p.config.groups);
  return {};
}

asio::awaitable<Result<void>> Daemon::run() {
  Parts& p = *parts_;
  if (Result<void> listening = listen(); !listening) co_return listening.error();
  if (Result<void> on_bus = co_await p.face->start(); !on_bus) co_return on_bus.error().within("join the bus");
  p.tasks.spawn(watch_signals());
  p.tasks.spawn(keep_watchdog_content());
  if (p.broker != nullptr) p.tasks.spawn(keep_broker());
  p.notify.ready(std::to_string(p.config.children.size()) + " children enrolled");
  p.journal.write(ports::Level::notice, {},
                  "headgated " + p.invocation.version + " is ready: " + std::to_string(p.config.children.size()) +
                      " children enrolled");
  co_await p.gateway->run();
  p.notify.stopping();
  p.face.reset();
  p.board->stop();
  p.tasks.cancel_all();
  co_await p.tasks.join();
  co_return Result<void>{};
}

asio::awaitable<void> Daemon::keep_watchdog_content() {
  (void)co_await parts_->notify.keep_alive(parts_->clock);
}

asio::awaitable<void> Daemon::keep_broker() {
  (void)co_await parts_->broker->keep_connected();
}

asio::awaitable<void> Daemon::watch_signals() {
  asio::signal_set signals(parts_->loop, SIGTERM, SIGINT, SIGHUP);
  for (;;) {
    boost::system::error_code error;
    const int number = co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    if (number == SIGHUP) {
      reload();
      continue;
    }
    parts_->journal.write(ports::Level::info, {}, "asked to stop");
    parts_->gateway->stop();
    co_return;
  }
}

/// Children, groups, profiles, plugin bindings and trust take effect at once; what else changed waits for a restart. A
/// configuration with a mistake changes nothing.
void Daemon::reload() {
  Parts& p = *parts_;
  p.notify.reloading();
  Result<Config> config = read_config(p.invocation.config_file);
  if (config) {
    p.config = std::move(*config);
    p.board->set_bindings(board_settings(p.config, p.invocation.version).bindings);
    p.board->set_profiles(p.config.profiles);
    p.gateway->enroll(p.config.children, p.config.layouts, p.config.groups);
    p.gateway->set_policy(policy_of(p.config));
    const service::TrustSource trusted = read_trust_source(p.config.trust, p.journal);
    if (const Result<void> chosen = p.gateway->choose_root(trusted); !chosen)
      p.journal.write(ports::Level::error, {}, "whom to trust stays as it was: " + chosen.error().message);
    p.journal.write(ports::Level::notice, {},
                    "configuration read again: " + std::to_string(p.config.children.size()) + " children enrolled");
  } else {
    p.journal.write(ports::Level::error, {}, "configuration not read again: " + config.error().message);
  }
  p.notify.ready(std::to_string(p.config.children.size()) + " children enrolled");
}

}  // namespace hg::app
