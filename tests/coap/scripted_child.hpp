// SPDX-License-Identifier: Apache-2.0
// A client of LwM2M with one component, in memory, that does what its test tells it: objects 3 and 5 (or 33629), all
// states, and the misbehaviours that were seen (coap.md 1.6, 4.4, 5).
#pragma once

#include "coap/memory_server.hpp"
#include "coap/tlv.hpp"

namespace hg::test {

class ScriptedChild final : public PeerEnd {
 public:
  ScriptedChild(VirtualTime& time, MemoryServer& server, coap::Inlet& inlet)
      : time_(&time), server_(&server), inlet_(&inlet) {}

  // ---- what it is
  std::string endpoint = "pump-7";
  std::string lwm2m = "1.1";
  std::string address = "192.0.2.7:5683";
  coap::Proof proof{};
  std::string query = "&lt=300";
  std::string objects = "</1/0>,</3/0>,</5>;ver=1.1,</5/0>";
  std::uint16_t object = 5;
  std::string version = "1.0";
  std::string new_version = "2.0";
  std::int64_t delivery = 2;
  bool gives_tlv = true;
  bool tells_package = false;   ///< PkgVersion: of what it holds, else of what runs
  bool forgets_package = true;  ///< it tells that of the held one no more when installing it failed
  bool knows_tlv = true;  ///< else it says nothing to who asks for it
  bool notifies = true;
  std::optional<bool> automatic{};
  bool automatic_can_be_cleared = true;

  // ---- how it stands
  std::int64_t state = 0;
  std::int64_t result = 0;
  std::string uri;
  Bytes package;  ///< what it has got
  std::int64_t severity = 1;
  std::int64_t maximum_defer = -1;

  // ---- what goes wrong
  bool is_silent = false;  ///< answers nothing
  bool ignores_uri = false;
  bool ignores_empty_uri = false;
  std::int64_t package_result = 0;  ///< of a package that has come; 0: State 2
  std::int64_t install_result = 1;
  bool falls_idle = true;  ///< where installing fails; else it stays in State 2
  bool restarts = true;    ///< registers anew after installing
  coap::Code execute_code = coap::Code::changed;
  bool loses_executes = false;        ///< does not hear them
  bool hides_execute_answer = false;  ///< but does what it was told
  Milliseconds defers{0};
  std::optional<std::uint64_t> silent_at{};      ///< offset of a push from which on it answers nothing
  std::optional<std::uint64_t> stops_pull_at{};  ///< offset, once
  Milliseconds block_time{20};

  // ---- what it was asked
  std::vector<std::string> log;  ///< "GET 5/0/3"
  [[nodiscard]] long count(const std::string& entry) const { return std::ranges::count(log, entry); }

  coap::Outgoing says(coap::Method method, const std::string& path, std::vector<std::string> said = {},
                      const std::string& body = {}) {
    if (!peer || peer->address() != address || peer->is_lost()) connect();
    inlet_->heard(peer);
    return inlet_->receive(peer, {method, path, std::move(said), std::nullopt, as_bytes(body)});
  }
  void connect() {
    peer = std::make_shared<MemoryPeer>(*time_, *this, address, proof);
    peer->heard = [this, weak = std::weak_ptr(peer)] {
      if (const auto still = weak.lock()) inlet_->heard(still);
    };
  }
  coap::Outgoing registers() {
    std::vector<std::string> said{"lwm2m=" + lwm2m};
    if (!endpoint.empty()) said.push_back("ep=" + endpoint);
    for (std::size_t at = 0; at < query.size();) {
      const std::size_t end = std::min(query.find('&', at + 1), query.size());
      said.push_back(query.substr(at + 1, end - at - 1));
      at = end;
    }
    observers_.clear();
    const auto answer = says(coap::Method::post, "rd", said, objects);
    if (answer.code == coap::Code::created) location = answer.location.at(0) + "/" + answer.location.at(1);
    return answer;
  }
  coap::Code updates() { return says(coap::Method::post, location).code; }
  void lose(const std::string& why) {
    peer->lose();
    inlet_->lost(peer, why);
  }
  /// As a restart of the child: everything that is not kept is gone.
  void restart() {
    package.clear();
    uri.clear();
    state = 0;
    result = 0;
    ++life_;
    is_silent = false;
    registers();
  }

  void to(std::int64_t new_state, std::int64_t new_result) {
    state = new_state;
    result = new_result;
    if (!notifies) return;
    for (const auto& [path, notify] : observers_) notify({coap::Code::content, coap::Format::text, {}});
  }

  std::optional<coap::Answer> asked(const coap::Request& request) override {
    if (is_silent || (!knows_tlv && request.accept && request.accept != coap::Format::text)) return std::nullopt;
    static constexpr std::array<std::string_view, 8> kNames{"", "GET ", "POST ", "PUT ", "DELETE "};
    log.push_back(std::string(kNames.at(static_cast<std::size_t>(request.method))) + request.path);
    if (request.method == coap::Method::get) return read(request);
    if (request.method == coap::Method::put) return write(request);
    if (request.path == at(2)) return execute(request);
    if (request.path == at(10)) {
      to(0, 10);
      return coap::Answer{coap::Code::changed, {}, {}};
    }
    return coap::Answer{coap::Code::not_found, {}, {}};
  }
  std::optional<coap::Answer> pushed(const coap::Push& push, std::uint64_t offset, ByteView block) override {
    if (silent_at && offset >= *silent_at) {
      is_silent = true;
      silent_at.reset();
    }
    if (is_silent) return std::nullopt;
    if (offset == 0) {
      log.push_back("PUSH " + push.path);
      package.clear();
      to(1, 0);
    }
    package.insert(package.end(), block.begin(), block.end());
    if (package.size() < push.size) return coap::Answer{coap::Code::go_on, {}, {}};
    finish();
    return coap::Answer{coap::Code::changed, {}, {}};
  }
  void observed(const coap::Request& request, std::function<void(coap::Answer)> notify) override {
    observers_[request.path] = std::move(notify);
  }

  std::shared_ptr<MemoryPeer> peer;
  std::string location;
  std::string arguments;  ///< of the last Execute

  /// Goes on with a pull, from its shelf.
  void pull(std::uint64_t offset = 0) {
    const std::size_t path = uri.find('/', uri.find("//") + 2);
    const coap::Served* const served =
        path == std::string::npos ? nullptr : server_->find(uri.substr(path + 1), proof.identity);
    if (served == nullptr || state != 1) return;
    if (stops_pull_at && offset >= *stops_pull_at) {
      stops_pull_at.reset();
      return;
    }
    const std::uint64_t count = std::min<std::uint64_t>(served->block, served->size - offset);
    Bytes block(count);
    if (!served->image.read(offset, block)) return;
    package.resize(offset);
    package.insert(package.end(), block.begin(), block.end());
    served->sent(offset, static_cast<std::uint32_t>(count));
    if (offset + count >= served->size) return finish();
    time_->after(block_time, [this, next = offset + count, life = life_] {
      if (life == life_) pull(next);
    });
  }

 private:
  [[nodiscard]] std::string at(unsigned resource) const {
    return std::to_string(object) + "/0/" + std::to_string(resource);
  }
  void finish() {
    if (package_result != 0) {
      package.clear();
      return to(0, package_result);
    }
    to(2, 0);
  }
  static coap::Answer text(const std::string& said) {
    const ByteView bytes = as_bytes(said);
    return {coap::Code::content, coap::Format::text, Bytes(bytes.begin(), bytes.end())};
  }
  [[nodiscard]] coap::Answer tlv(const std::vector<std::pair<std::uint16_t, coap::Value>>& values,
                                 const Bytes& more = {}) const {
    if (!gives_tlv) return {coap::Code::not_acceptable, {}, {}};
    Bytes body = more;
    for (const auto& [resource, value] : values) {
      const Bytes one = coap::tlv_of(resource, value);
      body.insert(body.end(), one.begin(), one.end());
    }
    return {coap::Code::content, coap::Format::tlv, body};
  }
  coap::Answer read(const coap::Request& request) {
    if (request.path == "3/0") {
      if (request.accept != coap::Format::tlv) return {coap::Code::not_acceptable, {}, {}};
      return tlv({{2, std::string("SN-1")}, {3, version}, {9, std::int64_t{80}}});
    }
    if (request.path == std::to_string(object) + "/0") {
      if (request.accept != coap::Format::tlv) return {coap::Code::not_acceptable, {}, {}};
      std::vector<std::pair<std::uint16_t, coap::Value>> all{{1, uri}, {3, state}, {5, result}, {9, delivery}};
      if (tells_package) all.emplace_back(7, state >= 2 || (!forgets_package && result > 1) ? new_version : version);
      if (automatic) all.emplace_back(14, *automatic);
      if (object != 5) all.emplace_back(14, std::string("main"));
      if (object != 5) all.emplace_back(15, version);
      return tlv(all, {0x86, 0x08, 0x41, 0x00, 0x00, 0x41, 0x01, 0x01});  // protocols 0 and 1
    }
    if (request.accept != coap::Format::text) return {coap::Code::not_acceptable, {}, {}};
    if (request.path == "3/0/3") return text(version);
    if (request.path == at(3)) return text(std::to_string(state));
    if (request.path == at(5)) return text(std::to_string(result));
    if (request.path == at(9)) return text(std::to_string(delivery));
    if (request.path == at(14) && automatic) return text(*automatic ? "1" : "0");
    return {coap::Code::not_found, {}, {}};
  }
  coap::Answer write(const coap::Request& request) {
    const std::string said(request.body.begin(), request.body.end());
    if (request.path == at(11)) severity = std::stol(said);
    if (request.path == at(13)) maximum_defer = std::stol(said);
    if (request.path == at(14)) {
      if (!automatic_can_be_cleared) return {coap::Code::not_allowed, {}, {}};
      automatic = said == "1";
    }
    if (request.path == at(1)) {
      if (said.empty()) log.push_back("EMPTY URI");
      if (said.empty() && !ignores_empty_uri) {
        package.clear();
        uri.clear();
        to(0, 0);
      }
      if (!said.empty() && !ignores_uri) {
        uri = said;
        time_->after(50ms, [this, life = life_] {
          if (life != life_) return;
          to(1, 0);
          pull();
        });
      }
    }
    return {coap::Code::changed, {}, {}};
  }
  std::optional<coap::Answer> execute(const coap::Request& request) {
    if (loses_executes) return std::nullopt;
    arguments.assign(request.body.begin(), request.body.end());
    if (execute_code != coap::Code::changed) return coap::Answer{execute_code, {}, {}};
    if (defers > 0ms) {
      to(2, 11);
      time_->after(defers, [this, life = life_] {
        if (life == life_ && state == 2) install();
      });
    } else {
      install();
    }
    if (hides_execute_answer) return std::nullopt;
    return coap::Answer{coap::Code::changed, {}, {}};
  }
  void install() {
    to(3, 0);
    time_->after(3s, [this, life = life_] {
      if (life != life_) return;
      result = install_result;
      state = install_result == 1 || falls_idle ? 0 : 2;
      if (install_result == 1) version = new_version;
      if (restarts) registers();
    });
  }

  VirtualTime* time_;
  MemoryServer* server_;
  coap::Inlet* inlet_;
  unsigned life_ = 0;
  std::map<std::string, std::function<void(coap::Answer)>> observers_;
};

}  // namespace hg::test
