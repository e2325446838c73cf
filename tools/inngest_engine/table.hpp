#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace terminal {

/// The width of the terminal on standard output: COLUMNS if it is set; no limit (0) for a pipe or file.
std::size_t terminal_width();

/// Whether standard output is a terminal, and NO_COLOR is not set.
bool shows_colours();

/// A column of a table.
struct column {
  std::string title;
  /// Whether the column's texts may be shortened when the terminal is narrow.
  bool is_flexible = false;
  /// Whether the column may be omitted when the terminal is still too narrow. The last such column is omitted
  /// first.
  bool is_optional = false;
};

/// Rows of texts in aligned columns. Makes the texts printable.
class table {
 public:
  explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}

  /// Adds a row with a text for each column.
  void add(std::vector<std::string> row);

  bool empty() const { return rows_.empty(); }

  /// The table as lines that fit the width; 0 means no limit. Omits columns without any text.
  std::string text(std::size_t width, bool in_colour) const;

  /// Prints the table to standard output.
  void print() const;

 private:
  std::vector<std::size_t> widths() const;
  void fit(std::vector<std::size_t>& widths, std::size_t limit) const;
  std::string line(const std::vector<std::string>& row, const std::vector<std::size_t>& widths,
                   std::size_t limit, bool in_colour) const;

  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace terminal
