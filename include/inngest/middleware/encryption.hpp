#pragma once

#include <sodium.h>

#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/middleware.hpp>
#include <inngest/protocol/step_kinds.hpp>

// End-to-end encryption: the server stores only ciphertext. Requires libsodium. The format is that of the
// packages for TypeScript (@inngest/middleware-encryption) and Python, so apps may mix languages.

namespace inngest::inline INNGEST_ABI {

/// Options of encryption().
struct encryption_options {
  /// The passphrase for encryption; required. White space around it is ignored.
  std::string key;
  /// Further passphrases for decryption, tried in order after `key`. Empty ones are ignored.
  std::vector<std::string> fallback_keys{};
  /// Disables encryption. For the roll-out: every app must be able to decrypt before the first one encrypts.
  bool decrypt_only = false;
  /// The member of an event's data that is encrypted.
  std::string event_field = "encrypted";
  /// Encrypts every member of an event's data separately. Expressions then cannot use the data, and the
  /// Python package decrypts only the first member.
  bool every_event_field = false;
};

/// Data from the server can't be decrypted. It is retried, because the missing key may be added in the
/// meantime.
class decryption_error : public detail::error_of<error_code::decryption> {
  using error_of::error_of;
};

namespace detail {

/// A 32-byte key derived from a passphrase; wiped on destruction.
class secret_key {
 public:
  explicit secret_key(std::string_view passphrase) {
    crypto_generichash(bytes_.data(), bytes_.size(),
                       reinterpret_cast<const unsigned char*>(passphrase.data()), passphrase.size(), nullptr,
                       0);
  }
  ~secret_key() { sodium_memzero(bytes_.data(), bytes_.size()); }
  secret_key(const secret_key&) = delete;
  secret_key& operator=(const secret_key&) = delete;

  /// base64(nonce, authenticated ciphertext).
  std::string encrypt(std::string_view text) const {
    std::vector<unsigned char> sealed(nonce_size + crypto_secretbox_MACBYTES + text.size());
    randombytes_buf(sealed.data(), nonce_size);
    crypto_secretbox_easy(sealed.data() + nonce_size, reinterpret_cast<const unsigned char*>(text.data()),
                          text.size(), sealed.data(), bytes_.data());
    std::string out(sodium_base64_encoded_len(sealed.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(out.data(), out.size(), sealed.data(), sealed.size(), sodium_base64_VARIANT_ORIGINAL);
    out.pop_back();  // libsodium adds a terminating zero
    return out;
  }

  /// `nullopt` if it was encrypted with another key or altered.
  std::optional<std::string> decrypt(const std::vector<unsigned char>& sealed) const {
    constexpr std::size_t overhead = nonce_size + crypto_secretbox_MACBYTES;
    if (sealed.size() < overhead) return std::nullopt;
    std::string out(sealed.size() - overhead, '\0');
    const bool opened =
        crypto_secretbox_open_easy(reinterpret_cast<unsigned char*>(out.data()), sealed.data() + nonce_size,
                                   sealed.size() - nonce_size, sealed.data(), bytes_.data()) == 0;
    return opened ? std::optional<std::string>(std::move(out)) : std::nullopt;
  }

 private:
  static constexpr std::size_t nonce_size = crypto_secretbox_NONCEBYTES;
  std::array<unsigned char, crypto_secretbox_KEYBYTES> bytes_{};
};

/// The middleware of encryption().
class encryption_middleware : public middleware {
 public:
  explicit encryption_middleware(encryption_options options) {
    if (sodium_init() < 0) throw configuration_error("encryption: libsodium can't be initialized");
    const bool has_key = add_key(options.key);
    for (std::string& key : options.fallback_keys) add_key(key);
    if (!has_key) throw configuration_error("encryption: encryption_options::key must not be empty");
    if (options.event_field.empty() && !options.every_event_field)
      throw configuration_error("encryption: encryption_options::event_field must not be empty");
    encrypts_ = !options.decrypt_only;
    event_field_ = std::move(options.event_field);
    every_event_field_ = options.every_event_field;
  }

  void transform_function_input(const call_info&, function_input& input) override {
    if (may_be_encrypted(input.event)) input.event = decrypt_event(input.event);
    if (may_be_encrypted(input.events)) input.events = decrypt_events(std::move(input.events));
  }

  std::string wrap_function_handler(const call_info&, next_call<std::string> next) override {
    return encrypt_result(next());
  }

  /// The data of an invoke or a deferred call are treated like an event's data.
  void transform_step_input(const call_info&, const step_info& step, step_input& called) override {
    const bool is_event = protocol::row_of(step.kind).takes == protocol::step_takes::event_data;
    if (!encrypts_ || !is_event || called.input.empty()) return;
    const json_buffer buffer(std::move(called.input));
    called.input = "[";
    json_document document(buffer.text());
    json_value root = document.root(json_path("input"));
    for (auto item : elements_of(root, json_path("input"))) {
      json_value value = take(item, json_path("input"));
      if (called.input.size() > 1) called.input += ',';
      const std::string_view text = raw_text(value, json_path("input"));
      called.input += text.starts_with('{') ? encrypt_event_data(text) : std::string(text);
    }
    called.input += ']';
  }

  std::string wrap_step_handler(const call_info&, const step_info&, next_call<std::string> next) override {
    return encrypt_result(next());
  }

  std::string wrap_step(const call_info&, const step_info& step, next_call<std::string> next) override {
    std::string result = next();
    if (!may_be_encrypted(result)) return result;
    const std::string where = "step \"" + std::string(step.id) + "\"";
    if (protocol::row_of(step.kind).gives == protocol::step_gives::event) return decrypt_event(result, where);
    return decrypt_if_encrypted(result, where);
  }

  void transform_send_event(std::vector<any_event>& events) override {
    if (!encrypts_) return;
    for (any_event& event : events) event.set_data(encrypt_event_data(event.data()));
  }

 private:
  static constexpr std::string_view marker = "__ENCRYPTED__";
  static constexpr std::string_view strategy = "inngest/libsodium";

  // ---- keys -------------------------------------------------------------------------------------------

  /// Derives a key and wipes the passphrase; false if the passphrase is blank.
  bool add_key(std::string& passphrase) {
    const std::size_t first = passphrase.find_first_not_of(detail::white_space);
    if (first == std::string::npos) return false;
    const std::size_t last = passphrase.find_last_not_of(detail::white_space);
    keys_.emplace_back(std::string_view(passphrase).substr(first, last - first + 1));
    sodium_memzero(passphrase.data(), passphrase.size());
    return true;
  }

  // ---- values -----------------------------------------------------------------------------------------

  static bool may_be_encrypted(std::string_view json) { return json.find(marker) != std::string_view::npos; }

  std::string encrypt(std::string_view json) const {
    return "{\"__ENCRYPTED__\":true,\"__STRATEGY__\":\"inngest/libsodium\",\"data\":\"" +
           keys_.front().encrypt(json) + "\"}";
  }

  /// Null is not secret, and stays visible as null in dashboards.
  std::string encrypt_result(std::string json) const {
    return encrypts_ && !json.empty() && json != "null" ? encrypt(json) : json;
  }

  struct sealed_value {
    bool marked = false;
    bool has_data = false;
    std::optional<std::string> strategy{};
    std::string data{};
  };

  static sealed_value read_sealed(std::string_view json) {
    sealed_value out;
    const json_buffer buffer{std::string(json)};
    json_document document(buffer.text());
    for (auto item : document.object()) {
      json_field field = take(item, {});
      const std::string_view key = field.key;
      const json_type type = type_of(field.value, {});
      if (key == marker && type == json_type::boolean) {
        out.marked = take(field.value.get_bool(), {});
      } else if (key == "__STRATEGY__" && type == json_type::string) {
        out.strategy = std::string(take(field.value.get_string(), {}));
      } else if (key == "data" && type == json_type::string) {
        out.has_data = true;
        out.data = std::string(take(field.value.get_string(), {}));
      }
    }
    return out;
  }

  /// Decrypts an encrypted value; returns any other value unchanged.
  std::string decrypt_if_encrypted(std::string_view json, const std::string& where) const {
    if (!json.starts_with('{') || !may_be_encrypted(json)) return std::string(json);
    const sealed_value value = read_sealed(json);
    if (!value.marked || !value.has_data) return std::string(json);
    if (!value.strategy) {
      throw decryption_error(where + " is encrypted in the format before \"" + std::string(strategy) +
                             "\" (AES), which is not supported");
    }
    if (*value.strategy != strategy) {
      throw decryption_error(where + " is encrypted with a strategy other than \"" + std::string(strategy) +
                             "\", which is not supported");
    }
    return decrypt(value.data, where);
  }

  std::string decrypt(const std::string& base64, const std::string& where) const {
    std::vector<unsigned char> sealed(base64.size() / 4 * 3 + 3);
    std::size_t size = 0;
    if (sodium_base642bin(sealed.data(), sealed.size(), base64.data(), base64.size(), nullptr, &size, nullptr,
                          sodium_base64_VARIANT_ORIGINAL) != 0) {
      throw decryption_error(where + " can't be decrypted: its data is not base64");
    }
    sealed.resize(size);
    for (const secret_key& key : keys_) {
      if (auto text = key.decrypt(sealed)) return *std::move(text);
    }
    throw decryption_error(where + " can't be decrypted: it was encrypted with a key other than the " +
                           (keys_.size() == 1 ? "one" : std::to_string(keys_.size())) +
                           " given, or was altered (see encryption_options::fallback_keys)");
  }

  // ---- events -----------------------------------------------------------------------------------------

  /// The object with each value replaced by `change(name, value)`; values are JSON.
  template <class Change>
  static std::string with_members(std::string_view object, const Change& change) {
    const json_buffer buffer{std::string(object)};
    json_document document(buffer.text());
    json_object_text out;
    for (auto item : document.object()) {
      json_field field = take(item, {});
      const std::string name(field.key);
      out.add_raw(name, change(name, raw_text(field.value, {})));
    }
    return out.text();
  }

  std::string encrypt_event_data(std::string_view data) const {
    return with_members(data, [&](const std::string& name, std::string_view value) {
      // the server reads "_inngest"
      const bool chosen = every_event_field_ ? name != "_inngest" : name == event_field_;
      return chosen ? encrypt(value) : std::string(value);
    });
  }

  std::string decrypt_event(std::string_view event) const {
    const std::string name = find_text(event, "name");
    return decrypt_event(event, name.empty() ? "the event" : "event \"" + name + "\"");
  }
  std::string decrypt_event(std::string_view event, const std::string& where) const {
    if (!event.starts_with('{') || !may_be_encrypted(event)) return std::string(event);
    return with_members(event, [&](const std::string& name, std::string_view value) {
      return name == "data" ? decrypt_event_data(value, where + ": data") : std::string(value);
    });
  }

  std::string decrypt_events(std::string events) const {
    const json_buffer buffer(std::move(events));
    std::string out = "[";
    json_document document(buffer.text());
    json_value root = document.root(json_path("events"));
    for (auto item : elements_of(root, json_path("events"))) {
      json_value event = take(item, json_path("events"));
      if (out.size() > 1) out += ',';
      out += decrypt_event(raw_text(event, json_path("events")));
    }
    return out + ']';
  }

  /// Decrypts the members of an event's data, and of the events inside the data of a server's event about the
  /// end of a run. The Python package encrypts data as a whole.
  std::string decrypt_event_data(std::string_view data, const std::string& where) const {
    if (!data.starts_with('{') || !may_be_encrypted(data)) return std::string(data);
    const sealed_value whole = read_sealed(data);
    if (whole.marked && whole.has_data) {
      std::string out = decrypt_if_encrypted(data, where);
      if (!out.starts_with('{')) throw decryption_error(where + " is not a JSON object after decryption");
      return out;
    }
    return with_members(data, [&](const std::string& name, std::string_view value) {
      const std::string here = where + "." + name;
      if (name == "event") {
        const std::string inner = decrypt_if_encrypted(value, here);
        return inner == value ? decrypt_event(value, here) : inner;
      }
      if (name == "events" && value.starts_with('[') && may_be_encrypted(value))
        return decrypt_events(std::string(value));
      return decrypt_if_encrypted(value, here);
    });
  }

  std::deque<secret_key> keys_;  // the first encrypts; a deque, because keys are never copied
  bool encrypts_ = true;
  std::string event_field_;
  bool every_event_field_ = false;
};

}  // namespace detail

/// Makes middleware that encrypts the results of steps and functions, and the member "encrypted" of event
/// data, before they leave the process, and decrypts them when they come back. Add it to
/// client_options::middleware, after middleware that changes events before they are sent:
///
///     .middleware = {inngest::encryption({.key = key, .fallback_keys = {old_key}})}
///
/// Each value is encrypted with XSalsa20-Poly1305 under the BLAKE2b hash of the passphrase, and grows by a
/// third plus some 130 bytes. Error messages, ids, names and arguments recorded with a step are not
/// encrypted. Data that can't be decrypted throw decryption_error, which names the event or step.
/// \throws configuration_error without a key.
inline std::shared_ptr<middleware> encryption(encryption_options options) {
  return std::make_shared<detail::encryption_middleware>(std::move(options));
}

}  // namespace inngest::inline INNGEST_ABI
