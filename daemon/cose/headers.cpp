// SPDX-License-Identifier: Apache-2.0
#include "cose/headers.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace hg::cose {
namespace {

/// Reads the two maps in turn and remembers the labels of the first.
class HeaderReader {
 public:
  explicit HeaderReader(cbor::Reader& reader) : reader_(reader) { headers_.offset = reader.offset(); }

  Result<Headers> read() {
    const auto content = reader_.read_wrapped();
    if (!content) return content.error().within("protected header");
    if (auto read = read_protected(*content); !read) return read.error().within("protected header");
    if (auto read = read_map(reader_, false); !read) return read.error().within("unprotected header");
    return headers_;
  }

 private:
  Result<void> read_protected(cbor::Reader content) {
    if (content.at_end()) return {};  // h'' is an empty map, too (RFC 9052 §3)
    cbor::Reader map = content;
    if (auto read = read_map(content, true); !read) return read.error();
    if (auto finished = content.finish(); !finished) return finished.error();
    if (label_count_ > 0) headers_.protected_header = *map.read_item();
    return {};
  }

  Result<void> read_map(cbor::Reader& reader, bool is_protected) {
    auto keys = cbor::MapKeys::enter(reader, cbor::KeyOrder::any);
    if (!keys) return keys.error();
    for (;;) {
      const auto key = keys->next();
      if (!key) return key.error();
      if (!key->has_value()) return {};
      if (auto checked = check_label(**key, is_protected); !checked) return checked.error();
      const std::int64_t label = (*key)->integer.value_or(0);  // 0 is reserved: a text label
      if (auto read = read_value(reader, label, is_protected); !read) return read.error();
    }
  }

  Result<void> check_label(const cbor::Key& key, bool is_protected) {
    if (!key.integer && !key.text) {
      return cbor::Reader::error_at(key.offset, Errc::invalid, key.describe() + " in a COSE header");
    }
    if (is_protected) {
      labels_[label_count_++] = key.encoded;  // MapKeys lets no more through
      return {};
    }
    const auto known = std::span(labels_).first(label_count_);
    if (std::ranges::any_of(known, [&](ByteView label) { return std::ranges::equal(label, key.encoded); })) {
      return cbor::Reader::error_at(key.offset, Errc::invalid,
                                    key.describe() + ", a header both protected and unprotected");
    }
    return {};
  }

  Result<void> read_value(cbor::Reader& reader, std::int64_t label, bool is_protected) {
    switch (label) {
      case kHeaderAlgorithm:
        headers_.is_algorithm_protected = is_protected;
        return take(reader.read_int(), headers_.algorithm, "alg");
      case kHeaderCritical:
        return reader.error(Errc::unsupported, "a \"crit\" header, none is understood");
      case kHeaderContentType:
        if (!is_protected || !reader.next_is(cbor::Type::text)) return reader.skip();
        return take(reader.read_text(), headers_.content_type, "content type");
      case kHeaderKeyId:
        return take(reader.read_bytes(), headers_.key_id, "kid");
      case kHeaderIv:
        headers_.is_iv_protected = is_protected;
        return take(reader.read_bytes(), headers_.iv, "IV");
      case kHeaderPartialIv:
        return reader.error(Errc::unsupported, "a Partial IV is not accepted");
      case kHeaderEphemeral:
        headers_.ephemeral = reader;
        return reader.skip();
      case kHeaderSalt:
        return take(reader.read_bytes(), headers_.salt, "salt");
      default:
        headers_.has_party |= label >= kHeaderFirstParty && label <= kHeaderLastParty;
        return reader.skip();
    }
  }

  template <class Value, class Target>
  static Result<void> take(const Result<Value>& value, Target& target, std::string_view name) {
    if (!value) return value.error().within(name);
    target = *value;
    return {};
  }

  cbor::Reader& reader_;
  Headers headers_;
  std::array<ByteView, cbor::kMaxUnorderedKeys> labels_{};
  std::size_t label_count_ = 0;
};

std::string name_of_tag(std::uint64_t tag) {
  struct Name {
    std::uint64_t tag;
    const char* text;
  };
  constexpr Name kNames[] = {{16, "COSE_Encrypt0"}, {kTagMac0, "COSE_Mac0"},       {kTagSign1, "COSE_Sign1"},
                             {97, "COSE_Mac"},      {kTagEncrypt, "COSE_Encrypt"}, {kTagSign, "COSE_Sign"}};
  const auto* name = std::ranges::find(kNames, tag, &Name::tag);
  return name != std::end(kNames) ? name->text : "tag " + std::to_string(tag);
}

}  // namespace

Result<std::int64_t> Headers::protected_algorithm() const {
  if (algorithm && is_algorithm_protected) return *algorithm;
  return cbor::Reader::error_at(offset, Errc::unauthenticated, "no algorithm in the protected header");
}

Result<Headers> read_headers(cbor::Reader& reader) {
  return HeaderReader(reader).read();
}

Result<void> enter_array_of(cbor::Reader& reader, std::size_t count, std::string_view what) {
  const std::size_t offset = reader.offset();
  const auto found = reader.enter_array();
  if (!found) return found.error().within(what);
  if (*found == count) return {};
  return cbor::Reader::error_at(
      offset, Errc::invalid,
      std::string(what) + " has " + std::to_string(count) + " elements, not " + std::to_string(*found));
}

Result<std::uint64_t> read_message_tag(cbor::Reader& reader, std::span<const std::uint64_t> accepted) {
  const std::size_t offset = reader.offset();
  const auto tag = reader.read_tag();
  if (!tag) return tag.error().within("no tagged COSE message");
  if (std::ranges::find(accepted, *tag) != accepted.end()) return *tag;
  std::string expected;
  for (const std::uint64_t each : accepted) {
    expected += (expected.empty() ? "" : " and ") + name_of_tag(each) + " (tag " + std::to_string(each) + ")";
  }
  return cbor::Reader::error_at(offset, Errc::unsupported, name_of_tag(*tag) + " is not accepted, only " + expected);
}

Result<std::optional<ByteView>> read_content(cbor::Reader& reader) {
  if (reader.next_is(cbor::Type::null)) {
    if (auto read = reader.read_null(); !read) return read.error();
    return std::optional<ByteView>{};
  }
  const auto content = reader.read_bytes();
  if (!content) return content.error();
  return std::optional<ByteView>(*content);
}

Bytes header_with(std::int64_t algorithm) {
  Bytes bytes;
  cbor::Writer(bytes).map(1).integer(kHeaderAlgorithm).integer(algorithm);
  return bytes;
}

}  // namespace hg::cose
