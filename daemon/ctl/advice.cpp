// SPDX-License-Identifier: Apache-2.0
#include "ctl/advice.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace hg::ctl {
namespace {

using Advice = std::pair<std::string_view, std::string_view>;
constexpr std::array kAdvice{
    Advice{"none", "Nothing is wrong."},
    Advice{"does-not-fit", "Release a deliverable with an image for this child's vendor, class and target."},
    Advice{"ambiguous", "Release a deliverable with only one image for each target of this child."},
    Advice{"not-newer", "Release a higher sequence number, or import a permit to go back."},
    Advice{"no-protection", "Release an encrypted image, or declare the link to be internal in the configuration."},
    Advice{"cannot-verify", "Release an image whose digest, as the child reports it, can be told from its trailer."},
    Advice{"same-as-other", "Release images that differ, so that the child cannot mark the wrong one."},
    Advice{"child-refused", "Ask the child's firmware why it refuses, then start the rollout again."},
    Advice{"child-deferred", "Wait: it is asked again at the time that it named."},
    Advice{"child-busy", "Wait: it is asked again when it is expected to be idle."},
    Advice{"not-answering", "See to its power and its link; it is asked again by itself."},
    Advice{"transfer-failed", "See to its link; the transfer is tried again by itself."},
    Advice{"activation-failed", "Look at what the child's bootloader says; it is tried again by itself."},
    Advice{"came-back-old", "Look why the new image does not stay up; it is tried again by itself."},
    Advice{"unhealthy", "Look what the new image complains of; it is tried again by itself."},
    Advice{"confirm-refused", "Look why the child cannot confirm; out of a split leads `headgatectl groups resolve`."},
    Advice{"third-version", "Find out who else updates this child, then start the rollout again."},
    Advice{"aborted", "An operator has withdrawn it: start the rollout again when it is wanted."},
    Advice{"superseded", "A later rollout has taken its place: look at that one."},
    Advice{"permit-used", "Ask the vendor for another permit: this child has used it up."},
    Advice{"permit-not-for-child", "Ask the vendor for a permit for this child or its class."},
    Advice{"permit-expired", "Ask the vendor for a permit that has not expired."},
    Advice{"time-unknown", "Set the gateway's clock; then it goes on by itself."},
    Advice{"too-early", "Wait: the image may be used from the time that is shown."},
    Advice{"other-product", "If it shall become another product, start the rollout with --approve."},
    Advice{"use-before-passed", "Ask the vendor for a release that may still be used."},
    Advice{"version-condition", "Bring it to a version first that this image may follow."},
    Advice{"battery-condition", "Release an image without a condition on the battery: children tell percent only."},
    Advice{"not-approved", "Start the rollout with --approve: its author wants that."},
    Advice{"slot-unknown", "Release an image that is not bound to a slot: this child does not tell its slots."},
    Advice{"not-stageable", "Look at the obstacle in `headgatectl children show`: it has no place for an image."},
    Advice{"in-recovery", "Start a rollout to it: that rescues a child in its bootloader's recovery."},
    Advice{"restored", "Nothing: its configuration was written back."},
    Advice{"restore-failed", "Set its configuration by hand, or start a rollout, which tries it once more."},
    Advice{"backup-failed", "Save its configuration by hand if it matters: it could not be read out."},
    Advice{"other-member", "Look at the member that is named: `headgatectl why MEMBER`."},
    Advice{"revert-class-not-allowed",
           "Start the rollout with --force if the group may end mixed: two cannot be brought back."},
    Advice{"no-room-in-window", "Give the members a longer test window, or fewer ranks of activation in the layout."},
    Advice{"no-rollback-image",
           "Import what it runs with --baseline, or start the rollout with --force: the group may end mixed."},
    Advice{"no-space", "Release an image that its slot has room for."},
    Advice{"battery-low", "Wait, or charge it: it is asked again by itself."},
    Advice{"no-child-key",
           "Give it a key that the image can be wrapped for: `headgatectl children set-key CHILD wrap FILE`."},
    Advice{"content-key-unknown",
           "Ask the vendor for a grant of the image's key to this gateway, or say sealed_by_vendor in the child's "
           "profile."},
    Advice{"grant-expired", "Ask the vendor for a grant that has not expired, then start the rollout again."},
    Advice{"key-changed", "Nothing: what was made for its old key is made again for the new one."},
    Advice{"wrong-identity",
           "Find out who stands there; if the board was replaced: `headgatectl children replace-board CHILD`."},
    Advice{"not-identified",
           "See that its firmware has the child kit and its identity key, then start the rollout again."},
    Advice{"not-told",
           "Look at the child: it was served the whole image, and what tells its version (docs/coap.md) has not changed."},
    Advice{"resolved", "Nothing: an operator has settled it; `headgatectl groups repair` brings a replaced member up."},
};

}  // namespace

std::string_view advice_on(std::string_view reason) {
  const auto* const found = std::ranges::find(kAdvice, reason, &Advice::first);
  return found == kAdvice.end() ? std::string_view{} : found->second;
}

}  // namespace hg::ctl
