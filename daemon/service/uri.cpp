// SPDX-License-Identifier: Apache-2.0
#include "service/uri.hpp"

#include <boost/url.hpp>

namespace hg::service {

Result<std::string> resolve_uri(std::string_view envelope_url, std::string_view reference, bool same_host_only) {
  namespace urls = boost::urls;
  const auto base = urls::parse_uri({envelope_url.data(), envelope_url.size()});
  const auto relative = urls::parse_uri_reference({reference.data(), reference.size()});
  if (!base || !relative) return Error{Errc::invalid, "not a URI"};
  urls::url target;
  if (!urls::resolve(*base, *relative, target)) return Error{Errc::invalid, "cannot be resolved"};
  if (target.scheme() != "https") return Error{Errc::unsupported, "only https is fetched"};
  if (target.has_userinfo()) return Error{Errc::invalid, "carries user information"};
  if (target.encoded_host().empty()) return Error{Errc::invalid, "names no host"};
  if (same_host_only && target.encoded_host_and_port() != base->encoded_host_and_port())
    return Error{Errc::denied, "the configuration allows only the envelope's own host"};
  target.remove_fragment();
  const auto text = target.buffer();
  return std::string(text.data(), text.size());
}

}  // namespace hg::service
