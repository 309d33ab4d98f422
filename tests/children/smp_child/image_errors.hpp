// SPDX-License-Identifier: Apache-2.0
// The errors of the image group (smp.md 1.1) that this child gives, each with Zephyr's rc for v1. Used by the image
// group and the upload.
#pragma once

#include "exchange.hpp"

namespace smp_child::image_error {

inline const Status kHashNotFound{8, Rc::unknown};
inline const Status kNoFreeSlot{9, Rc::bad_state};
inline const Status kWriteFailed{12, Rc::unknown};
inline const Status kInvalidSlot{14, Rc::invalid};
inline const Status kInvalidOffset{20, Rc::invalid};
inline const Status kInvalidLength{21, Rc::invalid};
inline const Status kInvalidHeader{22, Rc::invalid};
inline const Status kInvalidMagic{23, Rc::unknown};
inline const Status kInvalidHash{24, Rc::invalid};
inline const Status kCurrentVersionIsNewer{27, Rc::bad_state};
inline const Status kAlreadyPending{28, Rc::bad_state};
inline const Status kTooLarge{30, Rc::unknown};
inline const Status kDataOverrun{31, Rc::unknown};
inline const Status kConfirmationDenied{32, Rc::unknown};
inline const Status kTestOfActiveDenied{33, Rc::unknown};

}  // namespace smp_child::image_error
