// SPDX-License-Identifier: Apache-2.0
#include "server.hpp"

namespace smp_child {
namespace {

enum GroupNumber : std::uint16_t {
  kOs = 0,
  kImage = 1,
  kSettings = 3,
  kFs = 8,
  kEnumeration = 10,
  kBasic = 63,
  kKit = HG_CHILD_GROUP
};
constexpr std::uint8_t kUpload = 1;  // of the image group

}  // namespace

Server::Server(const Options& options, Board& board)
    : options_(options),
      os_(options, board.record()),
      image_(options, board),
      settings_(options, board.record()),
      fs_(options, board.record()),
      basic_(board.record(), [this] { settings_.erase_saved(); }),
      kit_(options, board),
      groups_(choose_groups()),
      enumeration_(group_numbers()) {}

/// Whoever adds a group adds a line here.
std::map<std::uint16_t, Group*> Server::choose_groups() {
  std::map<std::uint16_t, Group*> groups{{kOs, &os_}, {kImage, &image_}, {kBasic, &basic_}};
  if (!options_.server.settings_roots.empty()) groups.emplace(kSettings, &settings_);
  if (!options_.server.fs_mount.empty()) groups.emplace(kFs, &fs_);
  if (options_.kit.is_there) groups.emplace(kKit, &kit_);
  if (options_.server.enumeration) groups.emplace(kEnumeration, &enumeration_);
  return groups;
}

std::vector<std::uint16_t> Server::group_numbers() const {
  std::vector<std::uint16_t> numbers;
  for (const auto& [number, group] : groups_) numbers.push_back(number);
  return numbers;
}

void Server::restart() {
  for (const auto& [number, group] : groups_) group->restart();
}

std::optional<Server::Outcome> Server::handle(ByteView request) {
  const auto header = parse_header(request);
  if (!header) return std::nullopt;
  const auto map = cbor::Map::parse(request.subspan(kHeaderSize));
  cbor::Writer writer(options_.server.definite);
  writer.begin_map();
  if (options_.server.dialect != Dialect::v2) writer.put_integer("rc", 0);

  const cbor::Map nothing;
  Exchange exchange{*header, map ? *map : nothing, writer};
  exchange.body = request.subspan(kHeaderSize);
  Status status = Rc::invalid;
  if (refuses(*header)) {
    status = static_cast<Rc>(options_.server.unsupported_version);
  } else if (map) {
    status = dispatch(exchange);
  }
  writer.end();
  Bytes answer = packet(*header, status.ok() ? writer.take() : error_body(*header, status, &exchange));
  if (answer.size() > options_.link.buf_size) answer = packet(*header, error_body(*header, Rc::too_long, nullptr));
  if (exchange.silent) answer.clear();
  return Outcome{std::move(answer), exchange.takes, exchange.reset, exchange.to_recovery, exchange.crash};
}

std::optional<Server::Outcome> Server::no_memory(ByteView request) const {
  const auto header = parse_header(request);
  if (!header) return std::nullopt;
  return Outcome{packet(*header, error_body(*header, Rc::no_memory, nullptr))};
}

bool Server::refuses(const Header& header) const {
  const int refusal = options_.server.unsupported_version;
  return refusal == (header.version == 0 ? 12 : 13);
}

bool Server::speaks_v2(const Header& header) const {
  return options_.server.dialect == Dialect::v2 && header.version == 1;
}

Status Server::dispatch(Exchange& exchange) {
  const bool is_upload = exchange.header.group == kImage && exchange.is(kWrite, kUpload);
  if (is_upload && kit_.refuses_uploads()) return Rc::access_denied;
  const auto group = groups_.find(exchange.header.group);
  const Status status = group == groups_.end() ? Rc::not_supported : group->second->handle(exchange);
  if (status.rc == Rc::not_supported && options_.quirks.silent_unknown) exchange.silent = true;
  return status;
}

Bytes Server::error_body(const Header& header, const Status& status, const Exchange* exchange) const {
  cbor::Writer writer(options_.server.definite);
  writer.begin_map();
  if (status.group_error != 0 && speaks_v2(header)) {
    writer.key("err");
    writer.begin_map();
    writer.put_integer("group", header.group);
    writer.put_integer("rc", status.group_error);
    writer.end();
  } else {
    writer.put_integer("rc", static_cast<int>(status.rc));
  }
  if (exchange != nullptr && exchange->error_length) {
    writer.put_integer("len", static_cast<std::int64_t>(*exchange->error_length));
  }
  if (exchange != nullptr && exchange->error_image) writer.put_integer("image", *exchange->error_image);
  writer.end();
  return writer.take();
}

Bytes Server::packet(const Header& request, const Bytes& body) const {
  return answer_packet(request, options_.server.dialect == Dialect::v1 ? 0 : request.version, body);
}

}  // namespace smp_child
