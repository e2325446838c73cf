#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/sql_outbox/sql.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// The parameters of a statement as libpq and libpqxx expect them. The statement must outlive them.
class postgresql_values {
 public:
  /// `encoding` is the connection's client_encoding.
  /// \throws sql_error for text that the database would receive changed.
  postgresql_values(const sql_statement& statement, std::string_view encoding) {
    numbers_.reserve(statement.values.size());
    for (const sql_value& value : statement.values) {
      if (const auto* text = std::get_if<std::string>(&value)) {
        require_same_letters(*text, encoding);
        pointers_.push_back(text->c_str());
      } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
        pointers_.push_back(numbers_.emplace_back(std::to_string(*number)).c_str());
      } else {
        pointers_.push_back(nullptr);
      }
    }
  }

  const std::vector<const char*>& pointers() const { return pointers_; }

 private:
  static void require_same_letters(std::string_view text, std::string_view encoding) {
    if (text.find('\0') != std::string_view::npos)
      throw sql_error("PostgreSQL: a parameter has a zero byte, which PostgreSQL does not store");
    if (encoding == "UTF8" || encoding == "SQL_ASCII") return;  // the second converts nothing
    if (std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 128; })) return;
    throw sql_error("PostgreSQL: the connection's client_encoding is " + std::string(encoding) +
                    ", which would change the letters of a parameter: set it to UTF8");
  }

  std::vector<std::string> numbers_;
  std::vector<const char*> pointers_;
};

}  // namespace inngest::inline INNGEST_ABI::detail
