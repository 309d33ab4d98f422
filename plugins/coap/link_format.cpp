// SPDX-License-Identifier: Apache-2.0
#include "coap/link_format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace hg::coap {
namespace {

constexpr std::array kKept{kServerObject, kDeviceObject, kFirmwareObject, kAdvancedFirmwareObject};
constexpr std::string_view kRootType = "oma.lwm2m";
constexpr std::size_t kLongestRoot = 64;
constexpr std::uint16_t kHighestId = 65534;  // 65535 is MAX_ID, which nothing has

/// One link with those of its attributes that we know.
struct Link {
  std::size_t offset = 0;
  std::string_view path;  ///< without the first '/'
  std::string_view type;  ///< rt
  std::string_view formats;
  std::string_view version;

  [[nodiscard]] bool is_root() const { return path.empty() || type == kRootType; }
};

template <class Number>
std::optional<Number> number_from(std::string_view text) {
  Number number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = failure == std::errc{} && end == text.data() + text.size();
  const bool is_shortest = text.size() == 1 || !text.starts_with('0');
  return is_whole && is_shortest ? std::optional{number} : std::nullopt;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// What may stand between '<' and '>' (RFC 3986 appendix A, the characters of a path).
bool is_path_character(char c) {
  constexpr std::string_view kMarks = "/-._~:@!$&'()*+,;=%";
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter || (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos;
}

bool is_attribute_character(char c) {
  constexpr std::string_view kSeparators = "\",;<=>\\";
  return c > ' ' && c < 0x7F && kSeparators.find(c) == std::string_view::npos;
}

/// Takes a list apart, link by link.
class Links {
 public:
  explicit Links(std::string_view text) : text_(text) {}

  /// Nothing behind the last one.
  Result<std::optional<Link>> next() {
    if (text_.empty() || (position_ == text_.size() && !expects_another_)) return std::optional<Link>{};
    skip_spaces();
    Link link;
    link.offset = position_;
    if (auto taken = take_path(link); !taken) return taken.error();
    while (take(';')) {
      if (auto taken = take_attribute(link); !taken) return taken.error();
    }
    expects_another_ = take(',');
    if (!expects_another_ && position_ != text_.size()) return error("neither ',' nor ';' follows");
    return std::optional{link};
  }

 private:
  bool take(char wanted) {
    if (position_ == text_.size() || text_[position_] != wanted) return false;
    ++position_;
    return true;
  }
  void skip_spaces() {
    while (take(' ')) {
    }
  }
  template <class Is>
  std::string_view take_while(const Is& is) {
    const std::size_t begin = position_;
    while (position_ < text_.size() && is(text_[position_])) ++position_;
    return text_.substr(begin, position_ - begin);
  }
  Result<void> take_path(Link& link) {
    if (!take('<')) return error("no '<'");
    if (!take('/')) return error("a path begins with '/'");
    link.path = take_while(is_path_character);
    if (!take('>')) return error("no '>' behind the path");
    return {};
  }
  Result<void> take_attribute(Link& link) {
    const std::string_view name = take_while(is_attribute_character);
    if (name.empty()) return error("an attribute has no name");
    std::string_view value;
    if (take('=')) {
      const auto taken = take_value();
      if (!taken) return taken.error();
      value = *taken;
    }
    if (name == "rt") link.type = value;
    if (name == "ct") link.formats = value;
    if (name == "ver") link.version = value;
    return {};
  }
  Result<std::string_view> take_value() {
    if (!take('"')) {
      const std::string_view value = take_while(is_attribute_character);
      if (value.empty()) return error("an attribute has no value");
      return value;
    }
    const std::size_t begin = position_;
    while (position_ < text_.size() && text_[position_] != '"') position_ += text_[position_] == '\\' ? 2 : 1;
    if (position_ >= text_.size()) {
      position_ = text_.size();
      return error("a quoted value has no end");
    }
    const std::string_view value = text_.substr(begin, position_ - begin);
    ++position_;
    return value;
  }
  [[nodiscard]] Error error(std::string_view what) const {
    return Error{Errc::invalid, "object list: offset " + std::to_string(position_) + ": " + std::string(what)};
  }

  std::string_view text_;
  std::size_t position_ = 0;
  bool expects_another_ = false;
};

Error wrong_at(const Link& link, std::string_view what) {
  return Error{Errc::invalid, "object list: offset " + std::to_string(link.offset) + ": " + std::string(what)};
}

std::optional<ObjectVersion> version_from(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto major = number_from<std::uint8_t>(text.substr(0, dot));
  const auto minor = number_from<std::uint8_t>(text.substr(dot + 1));
  if (!major || !minor) return std::nullopt;
  return ObjectVersion{*major, *minor};
}

/// `ct`: one number, or several with spaces between them.
std::vector<std::uint16_t> formats_from(std::string_view text) {
  std::vector<std::uint16_t> formats;
  while (!text.empty() && formats.size() < kMaxOfferedFormats) {
    const std::size_t space = std::min(text.find(' '), text.size());
    if (const auto format = number_from<std::uint16_t>(text.substr(0, space))) formats.push_back(*format);
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return formats;
}

Result<void> take_root(const Link& link, ObjectList& list) {
  if (link.path.size() > kLongestRoot) return wrong_at(link, "the root is too long");
  if (link.path.find('%') != std::string_view::npos) return wrong_at(link, "the root has escapes");
  if (link.path.ends_with('/') || link.path.find("//") != std::string_view::npos || link.path.starts_with('/')) {
    return wrong_at(link, "the root has an empty segment");
  }
  list.root = link.path;
  list.formats = formats_from(link.formats);
  return {};
}

/// The path of a link below the root; nothing when it is elsewhere.
std::optional<std::string_view> below(std::string_view root, std::string_view path) {
  if (root.empty()) return path;
  if (!path.starts_with(root) || path.size() <= root.size() || path[root.size()] != '/') return std::nullopt;
  return path.substr(root.size() + 1);
}

/// The object or instance that a link names; nothing when it is another resource of the child.
Result<std::optional<ObjectList::Entry>> entry_of(const Link& link, std::string_view root) {
  const auto path = below(root, link.path);
  if (!path) return std::optional<ObjectList::Entry>{};
  const std::size_t slash = std::min(path->find('/'), path->size());
  const std::string_view object = path->substr(0, slash);
  const std::string_view instance = path->substr(std::min(slash + 1, path->size()));
  const bool has_instance = slash < path->size();
  if (!is_number(object) || (has_instance && !is_number(instance))) return std::optional<ObjectList::Entry>{};
  ObjectList::Entry entry;
  const auto id = number_from<std::uint16_t>(object);
  if (!id || *id > kHighestId) return wrong_at(link, "no object id");
  entry.object = *id;
  if (has_instance) {
    entry.instance = number_from<std::uint16_t>(instance);
    if (!entry.instance || *entry.instance > kHighestId) return wrong_at(link, "no instance id");
  }
  entry.version = version_from(link.version);
  return std::optional{entry};
}

Result<void> keep(const ObjectList::Entry& entry, std::vector<ObjectList::Entry>& entries) {
  if (std::ranges::find(kKept, entry.object) == kKept.end()) return {};
  const auto is_same = [&](const auto& kept) { return kept.object == entry.object && kept.instance == entry.instance; };
  if (std::ranges::any_of(entries, is_same)) return {};
  if (entries.size() == kMaxObjectEntries) return Error{Errc::too_large, "object list: too many instances"};
  entries.push_back(entry);
  return {};
}

/// Walks the list with `each(link)`.
template <class Each>
Result<void> for_each_link(std::string_view text, const Each& each) {
  Links links(text);
  for (;;) {
    const auto link = links.next();
    if (!link) return link.error();
    if (!*link) return {};
    if (Result<void> done = each(**link); !done) return done;
  }
}

}  // namespace

std::string text_of(ObjectVersion version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

bool ObjectList::has(std::uint16_t object) const {
  return std::ranges::any_of(entries, [&](const Entry& entry) { return entry.object == object; });
}

std::vector<std::uint16_t> ObjectList::instances(std::uint16_t object) const {
  std::vector<std::uint16_t> found;
  for (const Entry& entry : entries) {
    if (entry.object == object && entry.instance) found.push_back(*entry.instance);
  }
  std::ranges::sort(found);
  return found;
}

std::optional<ObjectVersion> ObjectList::version_of(std::uint16_t object) const {
  for (const Entry& entry : entries) {
    if (entry.object == object && entry.version) return entry.version;
  }
  return std::nullopt;
}

std::string ObjectList::path_of(std::string_view path) const {
  return root.empty() ? std::string(path) : root + "/" + std::string(path);
}

Result<ObjectList> object_list_from(std::string_view text) {
  if (text.size() > kMaxObjectList) return Error{Errc::too_large, "object list: longer than 4 KiB"};
  ObjectList list;
  // The root may stand behind what is below it.
  const auto find_root = [&](const Link& link) { return link.is_root() ? take_root(link, list) : Result<void>{}; };
  if (auto done = for_each_link(text, find_root); !done) return done.error();
  const auto keep_entry = [&](const Link& link) -> Result<void> {
    if (link.is_root()) return {};
    const auto entry = entry_of(link, list.root);
    if (!entry) return entry.error();
    return *entry ? keep(**entry, list.entries) : Result<void>{};
  };
  if (auto done = for_each_link(text, keep_entry); !done) return done.error();
  list.formats.shrink_to_fit();
  list.entries.shrink_to_fit();
  return list;
}

std::string text_of(const ObjectList& list) {
  std::string text;
  if (!list.root.empty() || !list.formats.empty()) {
    text = "</" + list.root + ">;rt=\"" + std::string(kRootType) + "\"";
    for (std::size_t i = 0; i < list.formats.size(); ++i) {
      text += (i == 0 ? ";ct=\"" : " ") + std::to_string(list.formats[i]);
    }
    if (!list.formats.empty()) text += '"';
  }
  for (const ObjectList::Entry& entry : list.entries) {
    if (!text.empty()) text += ',';
    text += "</" + list.path_of(std::to_string(entry.object));
    if (entry.instance) text += "/" + std::to_string(*entry.instance);
    text += '>';
    if (entry.version) text += ";ver=" + text_of(*entry.version);
  }
  return text;
}

}  // namespace hg::coap
