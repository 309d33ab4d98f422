// SPDX-License-Identifier: Apache-2.0
// A CBOR map that is written with its keys in order, whatever order they were given in (RFC 8949 §4.2.1). Used by the
// writers of manifests and envelopes.
#pragma once

#include <map>

#include "base/cbor.hpp"

namespace hg::pack {

class Members {
 public:
  Members& set(std::int64_t key, Bytes encoded_value) {
    Bytes encoded_key;
    cbor::Writer(encoded_key).integer(key);
    return set_encoded(std::move(encoded_key), std::move(encoded_value));
  }

  Members& set_uint(std::int64_t key, std::uint64_t value) {
    Bytes encoded;
    cbor::Writer(encoded).uint(value);
    return set(key, std::move(encoded));
  }

  Members& set_bytes(std::int64_t key, ByteView value) {
    Bytes encoded;
    cbor::Writer(encoded).bytes(value);
    return set(key, std::move(encoded));
  }

  Members& set_text(std::int64_t key, std::string_view value) {
    Bytes encoded;
    cbor::Writer(encoded).text(value);
    return set(key, std::move(encoded));
  }

  Members& set_encoded(Bytes encoded_key, Bytes encoded_value) {
    members_.insert_or_assign(std::move(encoded_key), std::move(encoded_value));
    return *this;
  }

  [[nodiscard]] bool empty() const { return members_.empty(); }

  [[nodiscard]] Bytes encode() const {
    Bytes out;
    cbor::Writer writer(out);
    writer.map(members_.size());
    for (const auto& [key, value] : members_) writer.encoded(key).encoded(value);
    return out;
  }

 private:
  std::map<Bytes, Bytes> members_;
};

}  // namespace hg::pack
