#pragma once

#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

/// Exports and removes the records that a reader has listed as unreadable. It finds them by the keys in that
/// list, because their values may have any type.
class unreadable_rows {
 public:
  explicit unreadable_rows(database& file) : file_(file) {}

  /// One line of JSON for each record. A record that no longer exists has no values.
  std::string export_lines(const std::vector<embedded::unreadable_record>& all);

  /// Removes a record, in a transaction of the caller; for a run, everything that belongs to it. Returns
  /// false when it does not exist.
  /// \throws store_error when records of the table can't be removed.
  bool remove(const std::string& table, const std::string& key);

 private:
  /// A record's position: its number in the order of the key's columns, among the rows with `condition`.
  struct place {
    std::string columns{};
    std::string condition{};
    std::int64_t offset = -1;  // none
  };

  place find(const std::string& table, const std::string& key);

  void remove_run(const place& at);

  database& file_;
};

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/sqlite_unreadable.ipp>
#endif
