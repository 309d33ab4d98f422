// SPDX-License-Identifier: Apache-2.0
#include "server.hpp"

namespace smp_child {
namespace {

enum Group : std::uint16_t { kOs = 0, kImage = 1 };

/// The header of a request; nothing for answers, unknown versions and a length that the packet does not have.
std::optional<Header> parse_header(ByteView packet) {
  if (packet.size() < kHeaderSize) return std::nullopt;
  const auto op = static_cast<std::uint8_t>(packet[0] & 7);
  const auto version = static_cast<std::uint8_t>(packet[0] >> 3 & 3);
  const std::uint64_t length = big_endian(packet.subspan(2, 2));
  if ((op != kRead && op != kWrite) || version > 1 || length != packet.size() - kHeaderSize) return std::nullopt;
  return Header{op, version, static_cast<std::uint16_t>(big_endian(packet.subspan(4, 2))), packet[6], packet[7]};
}

}  // namespace

std::optional<Server::Outcome> Server::handle(ByteView request) {
  const auto header = parse_header(request);
  if (!header) return std::nullopt;
  const auto map = cbor::Map::parse(request.subspan(kHeaderSize));
  cbor::Writer writer(options_.server.definite);
  writer.begin_map();
  if (options_.server.dialect != Dialect::v2) writer.put_integer("rc", 0);

  const cbor::Map nothing;
  Exchange exchange{*header, map ? *map : nothing, writer};
  Status status = Rc::invalid;
  if (refuses(*header)) {
    status = static_cast<Rc>(options_.server.unsupported_version);
  } else if (map) {
    status = dispatch(exchange);
  }
  writer.end();
  Bytes answer = packet(*header, status.ok() ? writer.take() : error_body(*header, status));
  if (answer.size() > options_.link.buf_size) answer = packet(*header, error_body(*header, Rc::too_long));
  return Outcome{std::move(answer), exchange.takes, exchange.reset, exchange.crash};
}

std::optional<Server::Outcome> Server::no_memory(ByteView request) const {
  const auto header = parse_header(request);
  if (!header) return std::nullopt;
  return Outcome{packet(*header, error_body(*header, Rc::no_memory)), {}, false, false};
}

bool Server::refuses(const Header& header) const {
  const int refusal = options_.server.unsupported_version;
  return refusal == (header.version == 0 ? 12 : 13);
}

bool Server::speaks_v2(const Header& header) const {
  return options_.server.dialect == Dialect::v2 && header.version == 1;
}

Status Server::dispatch(Exchange& exchange) {
  switch (exchange.header.group) {
    case kOs:
      return os_.handle(exchange);
    case kImage:
      return image_.handle(exchange);
    default:
      return Rc::not_supported;
  }
}

Bytes Server::error_body(const Header& header, const Status& status) const {
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
  writer.end();
  return writer.take();
}

Bytes Server::packet(const Header& request, const Bytes& body) const {
  const int version = options_.server.dialect == Dialect::v1 ? 0 : request.version;
  Bytes out{static_cast<std::uint8_t>(version << 3 | (request.op + 1)), 0};
  append_big_endian(out, body.size(), 2);
  append_big_endian(out, request.group, 2);
  append_big_endian(out, request.sequence, 1);
  append_big_endian(out, request.command, 1);
  append(out, body);
  return out;
}

}  // namespace smp_child
