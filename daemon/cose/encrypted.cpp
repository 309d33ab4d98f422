// SPDX-License-Identifier: Apache-2.0
#include "cose/encrypted.hpp"

#include <string>

#include "cose/headers.hpp"

namespace hg::cose {
namespace {

Result<std::int64_t> any_algorithm(const Headers& headers) {
  if (headers.algorithm) return *headers.algorithm;
  return cbor::Reader::error_at(headers.offset, Errc::invalid, "no algorithm");
}

/// What authenticates its headers must have the algorithm among the protected ones; what does not must have none.
Result<void> check_protection(const Headers& headers, const Algorithm& algorithm, bool is_authenticated) {
  if (is_authenticated) {
    if (auto found = headers.protected_algorithm(); !found) return found.error();
    return {};
  }
  if (headers.protected_header.empty()) return {};
  return cbor::Reader::error_at(headers.offset, Errc::invalid,
                                std::string(algorithm.name) + " with a protected header, which it does not protect");
}

Result<Algorithm> find_recipient_algorithm(const Headers& headers) {
  const auto number = any_algorithm(headers);
  if (!number) return number.error();
  if (auto agreement = find_algorithm(*number, Purpose::key_agreement)) return agreement;
  auto wrap = find_algorithm(*number, Purpose::key_wrap);
  if (wrap) return wrap;
  return wrap.error();
}

Result<PublicKey> read_ephemeral(const Headers& headers) {
  if (!headers.ephemeral) return cbor::Reader::error_at(headers.offset, Errc::invalid, "no ephemeral key");
  cbor::Reader reader = *headers.ephemeral;
  auto key = read_key(reader);
  if (!key) return key.error().within("ephemeral key");
  const CurveFacts& curve = facts_of(key->curve);
  if (curve.can_agree) return key;
  return headers.ephemeral->error(Errc::unsupported, "ephemeral key: " + std::string(curve.name) + " cannot agree");
}

/// What the headers of a recipient say, checked.
Result<Recipient> recipient_of(const Headers& headers) {
  const auto algorithm = find_recipient_algorithm(headers);
  if (!algorithm) return algorithm.error();
  const bool is_agreement = algorithm->purpose == Purpose::key_agreement;
  if (auto checked = check_protection(headers, *algorithm, is_agreement); !checked) return checked.error();
  Recipient recipient;
  recipient.algorithm = algorithm->number;
  recipient.key_id = headers.key_id;
  recipient.protected_header = headers.protected_header;
  if (!is_agreement) return recipient;
  if (headers.has_party) {
    return cbor::Reader::error_at(headers.offset, Errc::unsupported, "names or nonces of parties are not accepted");
  }
  const auto ephemeral = read_ephemeral(headers);
  if (!ephemeral) return ephemeral.error();
  recipient.ephemeral = *ephemeral;
  recipient.salt = headers.salt;
  return recipient;
}

Result<ByteView> read_wrapped_key(cbor::Reader& reader, const Algorithm& content) {
  const std::size_t offset = reader.offset();
  const auto key = reader.read_bytes();
  if (!key) return key.error().within("wrapped key");
  const std::size_t size = content.key_size + kWrapOverhead;
  if (key->size() == size) return *key;
  return cbor::Reader::error_at(offset, Errc::invalid,
                                "wrapped key of " + std::to_string(key->size()) + " bytes, not the " +
                                    std::to_string(size) + " for " + std::string(content.name));
}

Result<Recipient> read_recipient(cbor::Reader& reader, const Algorithm& content) {
  cbor::Reader ahead = reader;
  if (const auto count = ahead.enter_array(); count && *count == 4) {
    return reader.error(Errc::unsupported, "recipients of a recipient are not accepted");
  }
  if (auto entered = enter_array_of(reader, 3, "COSE_recipient"); !entered) return entered.error();
  const auto headers = read_headers(reader);
  if (!headers) return headers.error();
  auto recipient = recipient_of(*headers);
  if (!recipient) return recipient.error();
  const auto key = read_wrapped_key(reader, content);
  if (!key) return key.error();
  recipient->wrapped_key = *key;
  return recipient;
}

Result<void> read_recipients(cbor::Reader& reader, const Algorithm& content, std::vector<Recipient>& recipients) {
  const std::size_t offset = reader.offset();
  const auto count = reader.enter_array();
  if (!count) return count.error().within("recipients");
  if (*count == 0) return cbor::Reader::error_at(offset, Errc::invalid, "no recipient");
  if (*count > kMaxRecipients) {
    return cbor::Reader::error_at(offset, Errc::too_large,
                                  "more than " + std::to_string(kMaxRecipients) + " recipients");
  }
  recipients.reserve(*count);
  for (std::size_t i = 1; i <= *count; ++i) {
    const auto recipient = read_recipient(reader, content);
    if (!recipient) return recipient.error().within("recipient " + std::to_string(i));
    recipients.push_back(*recipient);
  }
  return {};
}

Result<Algorithm> content_algorithm(const Headers& headers) {
  const auto number = any_algorithm(headers);
  if (!number) return number.error();
  auto algorithm = find_algorithm(*number, Purpose::content);
  if (!algorithm) return algorithm.error();
  const bool is_aead = algorithm->output_size > 0;
  if (auto checked = check_protection(headers, *algorithm, is_aead); !checked) return checked.error();
  if (headers.iv.size() != algorithm->iv_size) {
    return cbor::Reader::error_at(headers.offset, Errc::invalid,
                                  "IV of " + std::to_string(headers.iv.size()) + " bytes, not the " +
                                      std::to_string(algorithm->iv_size) + " of " + std::string(algorithm->name));
  }
  return algorithm;
}

/// PartyUInfo or PartyVInfo with nothing in it.
void write_no_party(cbor::Writer& writer) {
  writer.array(3).null().null().null();
}

}  // namespace

Result<Encrypted> read_encrypted(cbor::Reader& reader) {
  constexpr std::uint64_t kAccepted[] = {kTagEncrypt};
  if (auto tag = read_message_tag(reader, kAccepted); !tag) return tag.error();
  if (auto entered = enter_array_of(reader, 4, "COSE_Encrypt"); !entered) return entered.error();
  const auto headers = read_headers(reader);
  if (!headers) return headers.error();
  const auto algorithm = content_algorithm(*headers);
  if (!algorithm) return algorithm.error();
  const auto ciphertext = read_content(reader);
  if (!ciphertext) return ciphertext.error().within("ciphertext");
  Encrypted message{algorithm->number, headers->iv, headers->protected_header,
                    *ciphertext,       {},          headers->is_iv_protected};
  if (auto read = read_recipients(reader, *algorithm, message.recipients); !read) return read.error();
  return message;
}

Bytes additional_data(const Encrypted& message) {
  Bytes bytes;
  cbor::Writer(bytes).array(3).text("Encrypt").bytes(message.protected_header).bytes({});
  return bytes;
}

Bytes kdf_context(const Recipient& recipient, std::string_view other) {
  constexpr std::size_t kBitsPerByte = 8;
  Bytes bytes;
  const auto algorithm = find_algorithm(recipient.algorithm, Purpose::key_agreement);
  if (!algorithm) return bytes;  // AES-KW derives nothing
  cbor::Writer writer(bytes);
  writer.array(4).integer(algorithm->wrapping);
  write_no_party(writer);
  write_no_party(writer);
  writer.array(other.empty() ? 2 : 3).uint(algorithm->key_size * kBitsPerByte).bytes(recipient.protected_header);
  if (!other.empty()) writer.bytes(as_bytes(other));
  return bytes;
}

Bytes recipient_header(std::int64_t algorithm) {
  return find_algorithm(algorithm, Purpose::key_agreement) ? header_with(algorithm) : Bytes{};
}

Bytes write_recipient(const Recipient& recipient) {
  const bool is_protected = !recipient.protected_header.empty();
  const std::size_t count = (is_protected ? 0U : 1U) + (recipient.key_id.empty() ? 0U : 1U) +
                            (recipient.ephemeral ? 1U : 0U) + (recipient.salt.empty() ? 0U : 1U);
  Bytes bytes;
  cbor::Writer writer(bytes);
  writer.array(3).bytes(recipient.protected_header).map(count);
  if (!is_protected) writer.integer(kHeaderAlgorithm).integer(recipient.algorithm);
  if (!recipient.key_id.empty()) writer.integer(kHeaderKeyId).bytes(recipient.key_id);
  if (recipient.ephemeral) writer.integer(kHeaderEphemeral).encoded(write_key(*recipient.ephemeral));
  if (!recipient.salt.empty()) writer.integer(kHeaderSalt).bytes(recipient.salt);
  writer.bytes(recipient.wrapped_key);
  return bytes;
}

Bytes write_encrypted(std::int64_t algorithm, ByteView iv, std::span<const Bytes> recipients) {
  const auto content = find_algorithm(algorithm, Purpose::content);
  const bool is_aead = content && content->output_size > 0;
  const Bytes header = is_aead ? header_with(algorithm) : Bytes{};
  return write_encrypted_like({algorithm, iv, header, std::nullopt, {}}, recipients);
}

Bytes write_encrypted_like(const Encrypted& message, std::span<const Bytes> recipients) {
  const bool has_algorithm = message.protected_header.empty();  // else it is protected
  Bytes bytes;
  cbor::Writer writer(bytes);
  writer.tag(kTagEncrypt).array(4).bytes(message.protected_header);
  writer.map((has_algorithm ? 1U : 0U) + (message.is_iv_protected ? 0U : 1U));
  if (has_algorithm) writer.integer(kHeaderAlgorithm).integer(message.algorithm);
  if (!message.is_iv_protected) writer.integer(kHeaderIv).bytes(message.iv);
  writer.null().array(recipients.size());
  for (const Bytes& recipient : recipients) writer.encoded(recipient);
  return bytes;
}

}  // namespace hg::cose
