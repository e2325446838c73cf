#pragma once

#include <chrono>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/log/sinks.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string time_of(const log_record& record) {
  return to_text(std::chrono::floor<std::chrono::milliseconds>(record.time));
}

INNGEST_INLINE std::string text_of(const log_fields& fields) {
  std::string out;
  const auto add = [&](const char* name, std::string_view value) {
    if (value.empty()) return;
    out += (out.empty() ? "" : " ") + std::string(name) + "=" + to_printable(on_one_line(value));
  };
  add("app", fields.app);
  add("function", fields.function);
  add("run", fields.run);
  add("step", fields.step);
  if (fields.attempt) add("attempt", std::to_string(*fields.attempt));
  return out;
}

INNGEST_INLINE std::string line_of(const log_record& record, const char* between) {
  const std::string fields = text_of(record.fields);
  return to_printable(on_one_line(record.message)) + (fields.empty() ? "" : between) + fields;
}

INNGEST_INLINE record_sink line_log(std::FILE* file, std::string (*line_of)(const log_record&)) {
  return [=](const log_record& record) {
    const std::string line = line_of(record) + "\n";
    std::fwrite(line.data(), 1, line.size(), file);  // a single call, so that lines do not mix
    std::fflush(file);
  };
}

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE std::string text_of(const log_record& record) {
  return detail::time_of(record) + " " + std::string(to_string(record.level)) + ": " +
         detail::line_of(record, "  ");
}

INNGEST_INLINE std::string json_of(const log_record& record) {
  detail::json_object_text out;
  out.add("time", detail::time_of(record))
      .add("level", to_string(record.level))
      .add("message", detail::to_printable(record.message));
  const auto add = [&](const char* name, std::string_view value) {
    if (!value.empty()) out.add(name, detail::to_printable(value));
  };
  add("app", record.fields.app);
  add("function", record.fields.function);
  add("run", record.fields.run);
  add("step", record.fields.step);
  if (record.fields.attempt) out.add("attempt", *record.fields.attempt);
  return out.text();
}

INNGEST_INLINE record_sink text_log(std::FILE* file) { return detail::line_log(file, &text_of); }

INNGEST_INLINE record_sink json_log(std::FILE* file) { return detail::line_log(file, &json_of); }

}  // namespace inngest::inline INNGEST_ABI
