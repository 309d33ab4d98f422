// SPDX-License-Identifier: Apache-2.0
#include "kit_group.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

namespace smp_child {
namespace {

constexpr std::string_view kGatewaysKeyId = "gateway";
constexpr std::size_t kLongestAnswer = 1024;

ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::uint32_t in_millis(Duration duration) {
  return static_cast<std::uint32_t>(std::chrono::ceil<Millis>(duration).count());
}

}  // namespace

KitGroup::KitGroup(const Options& options, Board& board)
    : options_(options), board_(board), key_(options.kit.key, options.kit.gateway_key) {
  const KitOptions& kit = options.kit;
  platform_.id = kit.id.c_str();
  platform_.unit = kit.unit.empty() ? nullptr : kit.unit.c_str();
  platform_.requires_proof = kit.require_proof;
  platform_.algorithm = key_.algorithm();
  platform_.key_id = bytes_of(kit.key_id).data();
  platform_.key_id_size = kit.key_id.size();
  platform_.random = give_random;
  platform_.sign = sign;
  platform_.verify = key_.signs() ? verify : nullptr;
  platform_.boots = boots;
  platform_.image = running_image;
  platform_.status = tell_status;
  platform_.offer = decide;
  platform_.notice = hear_notice;
  platform_.may_confirm = may_confirm;
  platform_.confirm = kit.confirm_all ? confirm : nullptr;
  hg_child_init(&child_, &platform_, this);
}

Status KitGroup::handle(Exchange& exchange) {
  std::array<std::uint8_t, kLongestAnswer> out{};
  const std::size_t room = std::min(out.size(), options_.link.buf_size - kHeaderSize);
  const hg_child_answer answer = hg_child_handle(&child_, exchange.header.op, exchange.header.command,
                                                 exchange.body.data(), exchange.body.size(), out.data(), room);
  if (answer.image >= 0) exchange.error_image = static_cast<std::uint8_t>(answer.image);
  if (answer.rc != 0) return {answer.error, static_cast<Rc>(answer.rc)};
  count(exchange);
  // The map's head is one byte, and says how many pairs there are.
  exchange.answer.pairs(ByteView(out).subspan(1, answer.length - 1), out[0] & 0x1FU);
  return {};
}

void KitGroup::restart() {
  ++starts_;
  started_ = Clock::now();
  first_offer_.reset();
  hg_child_forget(&child_);
}

bool KitGroup::refuses_uploads() const {
  return options_.kit.is_there && options_.kit.require_proof && !hg_child_is_proven(&child_);
}

void KitGroup::count(const Exchange& exchange) {
  constexpr std::array<std::string_view, HG_CHILD_COMMANDS> kCounters = {"identifies", "proofs",  "",
                                                                         "offers",     "notices", "confirm_alls"};
  const std::string_view counter = kCounters[exchange.header.command];
  if (counter.empty()) return;
  board_.record().count(counter);
  board_.record().event("kit: " + std::string(counter));
}

Millis KitGroup::busy_for() const {
  const Duration left = started_ + options_.kit.busy - Clock::now();
  return std::max(Millis(0), std::chrono::ceil<Millis>(left));
}

// -------------------------------------------------------------------------------------------- what the kit asks for

bool KitGroup::give_random(void* /*user*/, std::uint8_t* out, std::size_t size) {
  return RAND_bytes(out, static_cast<int>(size)) == 1;
}

bool KitGroup::sign(void* user, const std::uint8_t* message, std::size_t size, std::uint8_t* tag) {
  const Bytes made = of(user).key_.tag({message, size});
  std::ranges::copy(made, tag);
  return !made.empty();
}

hg_child_verdict KitGroup::verify(void* user, const std::uint8_t* key_id, std::size_t key_id_size,
                                  const std::uint8_t* message, std::size_t size, const std::uint8_t* tag,
                                  std::size_t tag_size) {
  if (!std::ranges::equal(ByteView(key_id, key_id_size), bytes_of(kGatewaysKeyId))) return HG_CHILD_KEY_UNKNOWN;
  return of(user).key_.holds({message, size}, {tag, tag_size}) ? HG_CHILD_HOLDS : HG_CHILD_DOES_NOT_HOLD;
}

std::uint32_t KitGroup::boots(void* user) {
  const Record& record = of(user).board_.record();
  return static_cast<std::uint32_t>(record.value("power_ons") + record.value("resets"));
}

/// The `index`-th image number that has an image to run.
bool KitGroup::running_image(void* user, std::size_t index, hg_child_image* image) {
  Board& board = of(user).board_;
  for (std::size_t number = 0; number < board.images().size(); ++number) {
    const auto info = board.image_in(board.images()[number].running());
    if (!info || index-- > 0) continue;
    image->number = static_cast<std::uint8_t>(number);
    const std::string version = info->version.text();
    std::memcpy(image->version, version.c_str(), std::min(version.size() + 1, sizeof image->version));
    image->hash_size = static_cast<std::uint8_t>(info->hash.size());
    std::ranges::copy(info->hash, image->hash);
    return true;
  }
  return false;
}

void KitGroup::tell_status(void* user, hg_child_status* status) {
  const KitOptions& kit = of(user).options_.kit;
  const Millis busy = of(user).busy_for();
  status->battery_percent = kit.battery;
  status->power = kit.power == "mains"     ? HG_CHILD_MAINS
                  : kit.power == "battery" ? HG_CHILD_BATTERY
                                           : HG_CHILD_POWER_UNKNOWN;
  status->busy = busy > Millis(0);
  status->busy_ms = in_millis(busy);
  status->reset = of(user).starts_ <= 1 ? HG_CHILD_RESET_POWER_ON : HG_CHILD_RESET_SOFTWARE;
  status->link_level = kit.link_level;
}

void KitGroup::decide(void* user, const hg_child_offer* offer, hg_child_decision* decision) {
  KitGroup& kit = of(user);
  const OfferAnswer& answer = kit.options_.kit.offer;
  kit.board_.record().event("kit: offered " + std::string(offer->version, offer->version_size));
  if (!kit.first_offer_) kit.first_offer_ = Clock::now();
  const Duration left = *kit.first_offer_ + answer.later - Clock::now();
  if (!answer.yes) {
    decision->willing = HG_CHILD_NO;
    decision->text = "not for me";
  } else if (left > Duration::zero()) {
    decision->willing = HG_CHILD_LATER;
    decision->wait_ms = in_millis(left);
  }
}

std::uint32_t KitGroup::hear_notice(void* user, const hg_child_notice* notice) {
  const std::string what = notice->what == HG_CHILD_WILL_RESET ? "reset" : "slow";
  of(user).board_.record().event("kit: " + what + " in " + std::to_string(notice->in_ms) + " ms for " +
                                 std::to_string(notice->for_ms) + " ms");
  return in_millis(of(user).busy_for());
}

bool KitGroup::may_confirm(void* user, std::uint8_t number) {
  return !of(user).options_.server.refuse_confirm && of(user).board_.images()[number].mark == Mark::none;
}

bool KitGroup::confirm(void* user, std::uint8_t number) {
  Board& board = of(user).board_;
  Image& image = board.images()[number];
  if (!image.testing) return true;
  image.testing = false;
  board.save();
  board.record().count("confirms");
  board.record().event("image " + std::to_string(number) + " confirmed");
  return true;
}

}  // namespace smp_child
