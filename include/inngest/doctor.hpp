#pragma once

#include <string>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/runs.hpp>
#include <inngest/serve.hpp>
#include <inngest/time/detail/http_date.hpp>

namespace inngest::inline INNGEST_ABI {

/// The result of one check of doctor().
struct finding {
  /// How serious a finding is. A problem stops the app from working.
  enum class severity { ok, warning, problem };
  /// The severity of this finding.
  severity level = severity::ok;
  /// What was checked, such as "signing key".
  std::string check;
  /// The result, and what to do.
  std::string text;
};

/// The results of doctor().
struct [[nodiscard]] diagnosis {
  /// One finding per check, in order.
  std::vector<finding> findings{};

  /// Whether no finding is a problem.
  bool healthy() const;
  /// All findings as printable text, one per line.
  std::string text() const;
};

namespace detail {

/// Checks a client and, if there is one, its handler.
class examination {
 public:
  explicit examination(const client& app, const handler* served = nullptr) : app_(app), served_(served) {}

  diagnosis run();

 private:
  using severity = finding::severity;

  const inngest::settings& settings() const { return app_.settings(); }
  bool is_cloud() const { return settings().mode() == mode::cloud; }
  void add(severity level, std::string check, std::string text);

  void check_mode();

  void check_keys();

  void check_key_form(const std::string& name, const std::string& key);

  /// Sends requests that every kind of server answers. Returns false when no Inngest server answers.
  bool check_server();

  std::string address_advice() const;

  /// Self-hosted and dev servers name their kind in a header; all kinds send this health message.
  static bool is_inngest_health(const http::response& answer);
  /// Whether the answer is that of the API: a list of events, or a refusal of the key.
  static bool is_inngest_api(const http::response& answer);
  static std::string described(const http::response& answer);

  void check_kind(const http::response& answer);

  void check_clock(const http::response& answer);

  void check_signing_key();

  void check_registration();

  void check_triggers(const any_function& function, const std::string& config);

  const client& app_;
  const handler* served_;
  diagnosis out_;
};

}  // namespace detail

/// Checks for common setup errors: keys, mode, whether a server of the right kind answers, clock skew. Print
/// `.text()` of the result; it never contains a key.
/// \throws unreachable when the server stops answering between checks.
inline diagnosis doctor(const client& app) { return detail::examination(app).run(); }

/// Like doctor() above; also compares the functions registered with the server to those being served.
inline diagnosis doctor(const handler& served) { return detail::examination(served.client(), &served).run(); }

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/doctor.ipp>
#endif
