#include "table.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <utility>

#include "printable.hpp"

namespace terminal {
namespace {

constexpr std::size_t gap = 2;        // between columns
constexpr std::size_t narrowest = 8;  // of a shortened column

/// The width of all columns, including the gaps.
std::size_t total(const std::vector<std::size_t>& widths) {
  const auto shown =
      static_cast<std::size_t>(std::count_if(widths.begin(), widths.end(), [](auto w) { return w > 0; }));
  return std::accumulate(widths.begin(), widths.end(), std::size_t{0}) + (shown > 1 ? (shown - 1) * gap : 0);
}

/// The colour of a cell that contains a status.
const char* colour_of(std::string_view cell) {
  if (cell == "failed" || cell == "cancelled" || cell == "error" || cell == "dead" || cell == "not ready")
    return "\033[31m";
  if (cell == "completed" || cell == "ok") return "\033[32m";
  if (cell == "paused" || cell == "warn") return "\033[33m";
  if (cell == "running") return "\033[36m";
  return nullptr;
}

}  // namespace

std::size_t terminal_width() {
  if (isatty(STDOUT_FILENO) == 0) return 0;
  if (const char* wanted = std::getenv("COLUMNS")) {
    const long columns = std::strtol(wanted, nullptr, 10);
    if (columns > 0) return static_cast<std::size_t>(columns);
  }
  winsize size{};
  const bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : 80;
}

bool shows_colours() {
  const char* forbidden = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (forbidden == nullptr || *forbidden == '\0');
}

void table::add(std::vector<std::string> row) {
  row.resize(columns_.size());
  for (std::string& cell : row) cell = printable(cell);
  rows_.push_back(std::move(row));
}

std::vector<std::size_t> table::widths() const {
  std::vector<std::size_t> out(columns_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t at = 0; at < out.size(); ++at) out[at] = std::max(out[at], columns_of(row[at]));
  }
  for (std::size_t at = 0; at < out.size(); ++at) {
    if (out[at] > 0 || rows_.empty()) out[at] = std::max(out[at], columns_of(columns_[at].title));
  }
  return out;
}

void table::fit(std::vector<std::size_t>& widths, std::size_t limit) const {
  const auto widest = [&] {
    std::size_t found = widths.size();
    for (std::size_t at = 0; at < widths.size(); ++at) {
      const bool can_shrink = columns_[at].is_flexible && widths[at] > narrowest;
      if (can_shrink && (found == widths.size() || widths[at] > widths[found])) found = at;
    }
    return found;
  };
  for (std::size_t at = widest(); total(widths) > limit && at < widths.size(); at = widest()) --widths[at];
  for (std::size_t at = widths.size(); at-- > 0 && total(widths) > limit;) {
    if (columns_[at].is_optional) widths[at] = 0;
  }
}

std::string table::line(const std::vector<std::string>& row, const std::vector<std::size_t>& widths,
                        std::size_t limit, bool in_colour) const {
  std::string out;
  std::size_t used = 0, blanks = 0;
  for (std::size_t at = 0; at < row.size(); ++at) {
    if (widths[at] == 0) continue;
    std::size_t room = widths[at];
    if (limit > 0) room = std::min(room, limit > used + blanks ? limit - used - blanks : 0);
    const std::string cell = shortened(row[at], room);
    const char* colour = in_colour && !cell.empty() ? colour_of(row[at]) : nullptr;
    if (!cell.empty()) {
      out += std::string(blanks, ' ') + (colour ? colour + cell + "\033[0m" : cell);
      used += blanks + columns_of(cell);
      blanks = 0;
    }
    blanks += widths[at] - std::min(widths[at], columns_of(cell)) + gap;
  }
  return out + "\n";
}

std::string table::text(std::size_t width, bool in_colour) const {
  std::vector<std::size_t> wide = widths();
  if (width > 0) fit(wide, width);
  std::vector<std::string> titles;
  for (const column& shown : columns_) titles.push_back(shown.title);
  std::string out = line(titles, wide, width, false);
  for (const auto& row : rows_) out += line(row, wide, width, in_colour);
  return out;
}

void table::print() const { std::fputs(text(terminal_width(), shows_colours()).c_str(), stdout); }

}  // namespace terminal
