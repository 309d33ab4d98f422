// SPDX-License-Identifier: Apache-2.0
// What the tests of the CoAP server share: a server on free ports of the loopback with an Inlet that remembers,
// children that are bare sockets and speak CoAP byte by byte, and libcoap's own client as a process.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <deque>
#include <fstream>
#include <numeric>
#include <set>

#include "coap/server.hpp"
#include "plugins/loop.hpp"

namespace hg::coap {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::udp;
using Directory = test::Directory;

inline std::uint16_t free_port(asio::io_context& io) {
  udp::socket socket(io, udp::endpoint(udp::v6(), 0));
  return socket.local_endpoint().port();
}

inline Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  std::uint32_t state = 1;
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24U);
  return bytes;
}

inline plugin::ImageView image_of(const Bytes& bytes, std::vector<wire::Patch> patches = {}) {
  UniqueFd memory(::memfd_create("image", MFD_CLOEXEC));
  EXPECT_EQ(::write(memory.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return plugin::ImageView(std::move(memory), std::move(patches));
}

inline Served served(const Bytes& bytes, std::uint16_t block = 1024) {
  return {.image = image_of(bytes), .size = bytes.size(), .etag = {1, 2, 3, 4, 5, 6, 7, 8}, .block = block};
}

// ------------------------------------------------------------------------------------------------------- datagrams

enum Type : std::uint8_t { kCon = 0, kNon = 1, kAck = 2, kRst = 3 };
enum Number : std::uint16_t {
  kETag = 4,
  kObserve = 6,
  kLocationPath = 8,
  kUriPath = 11,
  kContentFormat = 12,
  kBlock2 = 23,
  kBlock1 = 27,
  kSize2 = 28,
  kSize1 = 60,
  kRequestTag = 292,
};

struct Datagram {
  Type type = kCon;
  std::uint8_t code = 0;
  std::uint16_t mid = 0;
  Bytes token{};
  std::vector<std::pair<std::uint16_t, Bytes>> options{};  // in the order of their numbers
  Bytes body{};

  [[nodiscard]] const Bytes* option(std::uint16_t number) const {
    for (const auto& [its, value] : options) {
      if (its == number) return &value;
    }
    return nullptr;
  }
  [[nodiscard]] std::optional<std::uint32_t> value(std::uint16_t number) const {
    const Bytes* bytes = option(number);
    if (bytes == nullptr) return std::nullopt;
    return std::accumulate(bytes->begin(), bytes->end(), 0U,
                           [](std::uint32_t sum, auto byte) { return sum << 8U | byte; });
  }
  [[nodiscard]] std::string path() const {
    std::string path;
    for (const auto& [number, value] : options) {
      if (number == kUriPath) path.append(path.empty() ? "" : "/").append(value.begin(), value.end());
    }
    return path;
  }
};

inline void append_part(Bytes& nibbles, Bytes& extended, std::size_t part) {
  if (part < 13) {
    nibbles.push_back(static_cast<std::uint8_t>(part));
  } else if (part < 269) {
    nibbles.push_back(13);
    extended.push_back(static_cast<std::uint8_t>(part - 13));
  } else {
    nibbles.push_back(14);
    extended.push_back(static_cast<std::uint8_t>((part - 269) >> 8U));
    extended.push_back(static_cast<std::uint8_t>(part - 269));
  }
}

inline Bytes written(const Datagram& datagram) {
  Bytes bytes{static_cast<std::uint8_t>(0x40U | datagram.type << 4U | datagram.token.size()), datagram.code,
              static_cast<std::uint8_t>(datagram.mid >> 8U), static_cast<std::uint8_t>(datagram.mid)};
  bytes.insert(bytes.end(), datagram.token.begin(), datagram.token.end());
  std::uint16_t last = 0;
  for (const auto& [number, value] : datagram.options) {
    Bytes nibbles, extended;
    append_part(nibbles, extended, static_cast<std::size_t>(number - last));
    append_part(nibbles, extended, value.size());
    bytes.push_back(static_cast<std::uint8_t>(nibbles[0] << 4U | nibbles[1]));
    bytes.insert(bytes.end(), extended.begin(), extended.end());
    bytes.insert(bytes.end(), value.begin(), value.end());
    last = number;
  }
  if (datagram.body.empty()) return bytes;
  bytes.push_back(0xFF);
  bytes.insert(bytes.end(), datagram.body.begin(), datagram.body.end());
  return bytes;
}

inline std::size_t read_part(const Bytes& bytes, std::size_t& at, std::size_t nibble) {
  if (nibble < 13) return nibble;
  if (nibble == 13) return bytes.at(at++) + 13U;
  const std::size_t part = bytes.at(at) * 256U + bytes.at(at + 1) + 269U;
  at += 2;
  return part;
}

inline Datagram read(const Bytes& bytes) {
  Datagram datagram{static_cast<Type>(bytes.at(0) >> 4U & 3U), bytes.at(1),
                    static_cast<std::uint16_t>(bytes.at(2) << 8U | bytes.at(3))};
  std::size_t at = 4U + (bytes[0] & 15U);
  datagram.token.assign(bytes.begin() + 4, bytes.begin() + static_cast<std::ptrdiff_t>(at));
  std::uint16_t number = 0;
  while (at < bytes.size() && bytes[at] != 0xFF) {
    const std::uint8_t head = bytes[at++];
    number = static_cast<std::uint16_t>(number + read_part(bytes, at, head >> 4U));
    const std::size_t size = read_part(bytes, at, head & 15U);
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    datagram.options.emplace_back(number, Bytes(begin, begin + static_cast<std::ptrdiff_t>(size)));
    at += size;
  }
  if (at < bytes.size()) datagram.body.assign(bytes.begin() + static_cast<std::ptrdiff_t>(at + 1), bytes.end());
  return datagram;
}

inline Bytes number_bytes(std::uint32_t value) {
  Bytes bytes;
  for (; value != 0; value >>= 8U) bytes.insert(bytes.begin(), static_cast<std::uint8_t>(value));
  return bytes;
}
inline Bytes text_bytes(std::string_view text) {
  return {text.begin(), text.end()};
}
constexpr std::uint32_t block_value(std::uint32_t number, bool more, unsigned szx) {
  return number << 4U | (more ? 8U : 0U) | szx;
}

// ------------------------------------------------------------------------------------------------------- children

/// A child that is a socket, sending to the server and hearing what comes.
class BareChild {
 public:
  BareChild(test::Loop& loop, std::uint16_t server, const std::string& own = "127.0.0.1")
      : loop_(&loop),
        socket_(loop.io, udp::endpoint(asio::ip::make_address(own), 0)),
        server_(asio::ip::make_address("127.0.0.1"), server) {
    listen();
  }
  BareChild(const BareChild&) = delete;
  BareChild& operator=(const BareChild&) = delete;
  ~BareChild() {
    socket_.close();
    loop_->settle();
  }

  void send(const Datagram& datagram) { socket_.send_to(asio::buffer(written(datagram)), server_); }
  /// The next one that comes.
  Datagram hear() {
    loop_->until([&] { return !heard_.empty(); });
    Datagram first = heard_.front();
    heard_.pop_front();
    return first;
  }
  [[nodiscard]] bool has_heard() const { return !heard_.empty(); }
  Datagram exchange(const Datagram& datagram) {
    send(datagram);
    return hear();
  }
  /// A GET of a path, perhaps of one block.
  Datagram get(const std::string& path, std::optional<std::uint32_t> block = {}) {
    return exchange(request(1, path, block));
  }
  Datagram request(std::uint8_t method, const std::string& path, std::optional<std::uint32_t> block = {}) {
    Datagram datagram{kCon, method, ++mid_, {0xAB, static_cast<std::uint8_t>(mid_)}};
    std::string rest = path;
    for (std::size_t end = 0; end != std::string::npos;) {
      end = rest.find('/');
      datagram.options.emplace_back(kUriPath, text_bytes(rest.substr(0, end)));
      if (end != std::string::npos) rest.erase(0, end + 1);
    }
    if (block) datagram.options.emplace_back(kBlock2, number_bytes(*block));
    return datagram;
  }
  /// A piggybacked answer to what was heard.
  void answer(const Datagram& to, Code code, std::vector<std::pair<std::uint16_t, Bytes>> options = {},
              const Bytes& body = {}) {
    send({kAck, static_cast<std::uint8_t>(code), to.mid, to.token, std::move(options), body});
  }
  void reset(const Datagram& to) { send({kRst, 0, to.mid}); }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port()); }

 private:
  void listen() {
    socket_.async_receive_from(
        asio::buffer(buffer_), from_, [this](boost::system::error_code failure, std::size_t size) {
          if (failure) return;
          heard_.push_back(read(Bytes(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size))));
          listen();
        });
  }

  test::Loop* loop_;
  udp::socket socket_;
  udp::endpoint server_;
  udp::endpoint from_;
  std::array<std::uint8_t, 2048> buffer_{};
  std::deque<Datagram> heard_;
  std::uint16_t mid_ = 100;
};

/// Answers everything with its method and path, and remembers.
class RememberingInlet : public Inlet {
 public:
  Outgoing receive(const std::shared_ptr<Peer>& from, const Incoming& request) override {
    peers.insert(from);
    last = from;
    paths.emplace_back(request.path);
    bodies.emplace_back(request.body.begin(), request.body.end());
    if (on_request) on_request(from);
    return answer;
  }
  void heard(const std::shared_ptr<Peer>&) override { ++datagrams; }
  void lost(const std::shared_ptr<Peer>& peer, std::string why) override { losses.emplace_back(peer, std::move(why)); }

  Outgoing answer{.code = Code::changed};
  std::function<void(const std::shared_ptr<Peer>&)> on_request;
  std::set<std::shared_ptr<Peer>> peers;
  std::shared_ptr<Peer> last;
  std::vector<std::string> paths;
  std::vector<Bytes> bodies;
  std::vector<std::pair<std::shared_ptr<Peer>, std::string>> losses;
  int datagrams = 0;
};

/// libcoap's own client, fetching into a file while the loop runs.
class CoapClient {
 public:
  CoapClient(test::Loop& loop, const Directory& directory, std::vector<std::string> arguments)
      : loop_(&loop), file_(directory.path / "got"), output_(loop.io) {
    std::filesystem::remove(file_);
    const std::vector<std::string> first{"/usr/bin/coap-client-openssl", "-v", "0", "-o", file_.string()};
    arguments.insert(arguments.begin(), first.begin(), first.end());
    std::vector<char*> words;
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::dup2(ends[1], STDERR_FILENO);
      ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);  // libcoap's sockets are inherited else
      ::execv(words[0], words.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    output_.assign(ends[0]);
    drain();
  }
  CoapClient(const CoapClient&) = delete;
  CoapClient& operator=(const CoapClient&) = delete;
  ~CoapClient() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    boost::system::error_code ignored;
    output_.close(ignored);
    loop_->settle();
  }
  /// Waits for its end; what it got.
  Bytes body() {
    loop_->until([&] { return has_ended_; });
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    std::ifstream file(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  void drain() {
    output_.async_read_some(asio::buffer(buffer_), [this](boost::system::error_code failure, std::size_t) {
      if (failure == asio::error::operation_aborted) return;
      has_ended_ = bool(failure);
      if (!failure) drain();
    });
  }
  test::Loop* loop_;
  std::filesystem::path file_;
  asio::posix::stream_descriptor output_;
  std::array<char, 512> buffer_{};
  pid_t pid_ = -1;
  bool has_ended_ = false;
};

class CoapServerTest : public testing::Test {
 protected:
  ~CoapServerTest() override {
    server_.reset();
    inlet_.peers.clear();
    loop_.settle();
  }
  void open() {
    server_.reset();
    auto opened =
        Server::open(loop_.io.get_executor(), settings_, inlet_, [this](auto line) { log_.emplace_back(line); });
    ASSERT_TRUE(opened) << opened.error().message;
    server_ = std::move(*opened);
  }
  /// The peer of a child, which it has by speaking once.
  std::shared_ptr<Peer> meet(BareChild& child) {
    const Datagram hello = child.request(2, "rd");
    EXPECT_EQ(child.exchange(hello).code, 0x44);
    return inlet_.last;
  }
  [[nodiscard]] std::string uri(const std::string& path) const {
    return "coap://127.0.0.1:" + std::to_string(settings_.port) + "/" + path;
  }
  /// Begins a coroutine of a peer; its result comes into the optional.
  template <class T>
  std::shared_ptr<std::optional<T>> begin(asio::awaitable<T> task) {
    const auto result = std::make_shared<std::optional<T>>();
    asio::co_spawn(loop_.io, std::move(task), [result](const std::exception_ptr& thrown, T value) {
      if (thrown) std::rethrow_exception(thrown);
      *result = std::move(value);
    });
    return result;
  }
  template <class T>
  T result(const std::shared_ptr<std::optional<T>>& of) {
    loop_.until([&] { return of->has_value(); });
    return **of;
  }
  static SteadyTime in(Milliseconds time) { return std::chrono::steady_clock::now() + time; }

  test::Loop loop_;
  RememberingInlet inlet_;
  ServerSettings settings_{.listen = "::", .port = free_port(loop_.io), .secure_port = free_port(loop_.io)};
  std::vector<std::string> log_;
  std::unique_ptr<Server> server_;
  Directory directory_;
};

}  // namespace hg::coap
