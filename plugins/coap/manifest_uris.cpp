// SPDX-License-Identifier: Apache-2.0
#include "coap/manifest_uris.hpp"

#include <algorithm>
#include <optional>

#include "base/cbor.hpp"

namespace hg::coap {
namespace {

constexpr unsigned kMaxWrapping = 12;  // byte strings of CBOR within one another: an envelope has about six
constexpr std::string_view kPlainScheme = "coap://";
constexpr std::string_view kSecureScheme = "coaps://";

/// What stands behind the scheme; nothing when it is another one. A scheme has letters of either case (RFC 3986 3.1).
std::optional<std::string_view> behind_scheme(std::string_view uri) {
  const auto is_same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  for (const std::string_view scheme : {kPlainScheme, kSecureScheme}) {
    if (uri.size() >= scheme.size() && std::ranges::equal(uri.substr(0, scheme.size()), scheme, is_same)) {
      return uri.substr(scheme.size());
    }
  }
  return std::nullopt;
}

/// Whether the bytes are exactly one item. Then their heads can be walked one after the other.
bool is_one_item(ByteView bytes) {
  cbor::Reader reader(bytes);
  return !bytes.empty() && reader.skip() && reader.at_end();
}

class Scan {
 public:
  /// `item` is one item.
  Result<void> look_at(ByteView item, unsigned depth) {
    cbor::Reader reader(item);
    while (!reader.at_end()) {
      if (auto done = take_head(reader, depth); !done) return done;
    }
    return {};
  }
  std::vector<std::string> take() { return std::move(uris_); }

 private:
  Result<void> take_head(cbor::Reader& reader, unsigned depth) {
    const auto type = reader.peek();
    if (!type) return type.error();
    switch (*type) {
      case cbor::Type::array:
        return without_value(reader.enter_array());
      case cbor::Type::map:
        return without_value(reader.enter_map());
      case cbor::Type::tag:
        return without_value(reader.read_tag());
      case cbor::Type::text: {
        const auto text = reader.read_text();
        return text ? keep(*text) : Result<void>{text.error()};
      }
      case cbor::Type::bytes: {
        const auto bytes = reader.read_bytes();
        if (!bytes) return bytes.error();
        return depth < kMaxWrapping && is_one_item(*bytes) ? look_at(*bytes, depth + 1) : Result<void>{};
      }
      default:
        return reader.skip();
    }
  }
  template <class T>
  static Result<void> without_value(const Result<T>& result) {
    return result ? Result<void>{} : Result<void>{result.error()};
  }
  Result<void> keep(std::string_view text) {
    if (!behind_scheme(text) || std::ranges::find(uris_, text) != uris_.end()) return {};
    if (text.size() > kLongestUri) return Error{Errc::too_large, "a URI of more than 255 bytes"};
    if (uris_.size() == kMaxManifestUris) return Error{Errc::too_large, "more than 16 URIs"};
    uris_.emplace_back(text);
    return {};
  }

  std::vector<std::string> uris_;
};

std::optional<unsigned> digit_from(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

Result<std::string> unescaped(std::string_view segment) {
  std::string text;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      text += segment[i];
      continue;
    }
    const auto high = i + 2 < segment.size() ? digit_from(segment[i + 1]) : std::nullopt;
    const auto low = i + 2 < segment.size() ? digit_from(segment[i + 2]) : std::nullopt;
    if (!high || !low) return Error{Errc::invalid, "'%' without two hexadecimal digits"};
    text += static_cast<char>(*high << 4U | *low);
    i += 2;
  }
  return text;
}

Result<std::string> segment_from(std::string_view escaped) {
  auto segment = unescaped(escaped);
  if (!segment) return segment;
  if (segment->empty() || *segment == "." || *segment == "..") {
    return Error{Errc::unsupported, "a segment that is empty, \".\" or \"..\""};
  }
  if (!cbor::is_utf8(as_bytes(*segment))) return Error{Errc::invalid, "a segment that is not UTF-8"};
  const auto is_bad = [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::ranges::any_of(*segment, is_bad)) {
    return Error{Errc::unsupported, "a '/' or a control character within a segment"};
  }
  return segment;
}

}  // namespace

Result<std::vector<std::string>> coap_uris_in(ByteView manifest) {
  if (manifest.size() > kMaxManifest) return Error{Errc::too_large, "manifest: more than 64 KiB"};
  cbor::Reader reader(manifest);
  if (auto whole = reader.skip(); !whole) return whole.error().within("manifest");
  if (auto finished = reader.finish(); !finished) return finished.error().within("manifest");
  Scan scan;
  if (auto done = scan.look_at(manifest, 0); !done) return done.error().within("manifest");
  return scan.take();
}

Result<std::string> path_of(std::string_view uri) {
  const auto rest = behind_scheme(uri);
  if (!rest) return Error{Errc::invalid, "no URI of coap or coaps"};
  if (uri.size() > kLongestUri) return Error{Errc::invalid, "a URI of more than 255 bytes"};
  if (rest->find_first_of("?#") != std::string_view::npos) {
    return Error{Errc::unsupported, "a URI with a query or a fragment"};
  }
  const std::size_t slash = rest->find('/');
  if (slash == 0 || rest->empty()) return Error{Errc::invalid, "a URI without a host"};
  if (slash == std::string_view::npos) return Error{Errc::unsupported, "a URI without a path"};
  std::string path;
  for (std::string_view left = rest->substr(slash); !left.empty();) {
    left.remove_prefix(1);
    const std::size_t end = std::min(left.find('/'), left.size());
    const auto segment = segment_from(left.substr(0, end));
    if (!segment) return segment.error().within("URI");
    path += (path.empty() ? "" : "/") + *segment;
    left.remove_prefix(end);
  }
  return path;
}

}  // namespace hg::coap
