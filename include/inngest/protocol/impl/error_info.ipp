#pragma once

#include <charconv>
#include <string_view>
#include <system_error>
#include <typeinfo>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/protocol/error_info.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

INNGEST_INLINE thrown_value read_thrown_value() {
  thrown_value out{.type = detail::current_exception_type_name()};
  const auto text_of_number = [](auto number) {
    std::string text;
    detail::codec<decltype(number)>::write(text, number, {});
    return text;
  };
  try {
    throw;
  } catch (const char* text) {
    out.text = text ? text : "";
  } catch (const std::string& text) {
    out = {"std::string", text};
  } catch (std::string_view text) {
    out = {"std::string_view", std::string(text)};
  } catch (const std::error_code& code) {
    out.text = code.message();
  } catch (bool value) {
    out.text = value ? "true" : "false";
  } catch (int number) {
    out.text = text_of_number(number);
  } catch (unsigned number) {
    out.text = text_of_number(number);
  } catch (long number) {
    out.text = text_of_number(number);
  } catch (unsigned long number) {
    out.text = text_of_number(number);
  } catch (long long number) {
    out.text = text_of_number(number);
  } catch (double number) {
    char digits[64];  // std::to_string depends on the locale
    const auto end = std::to_chars(digits, digits + sizeof digits, number);
    out.text.assign(digits, end.ptr);
  } catch (...) {
  }
  if (out.type.empty()) out.type = "unknown exception";
  return out;
}

INNGEST_INLINE void describe_causes(const std::exception& outer, error_info& info) {
  const auto* nested = dynamic_cast<const std::nested_exception*>(&outer);
  if (nested == nullptr || nested->nested_ptr() == nullptr || info.causes.size() == deepest_cause) return;
  try {
    nested->rethrow_nested();
  } catch (const std::exception& cause) {
    info.causes.push_back({detail::exception_type_name(typeid(cause)), cause.what()});
    describe_causes(cause, info);
  } catch (...) {
    thrown_value value = read_thrown_value();
    info.causes.push_back({std::move(value.type), std::move(value.text)});
  }
}

INNGEST_INLINE failure describe(const std::exception_ptr& thrown, std::chrono::system_clock::time_point now,
                                const std::string& thrower) {
  failure out;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& problem) {
    out.info.name = detail::exception_type_name(typeid(problem));
    out.info.message = problem.what();
    describe_causes(problem, out.info);
    if (const auto* step = dynamic_cast<const step_error*>(&problem)) {
      out.info.name = step->name();  // the original exception's name, so that the run shows the cause
      out.info.causes = step->causes();
      out.retriable = false;
    } else if (const auto* later = dynamic_cast<const retry_after_error*>(&problem)) {
      out.retry_after = later->delay(now);
    } else if (const auto* own = dynamic_cast<const error*>(&problem)) {
      out.retriable = is_worth_retrying(own->code());
    }
  } catch (...) {
    const thrown_value value = read_thrown_value();
    const std::string what = thrower + " threw \"" + value.type + "\", which is not a std::exception";
    out.info = {.name = value.type, .message = value.text.empty() ? what : value.text + " (" + what + ")"};
  }
  return out;
}

INNGEST_INLINE void write_error(std::string& out, const error_info& info) {
  using detail::write_quoted;
  const auto quoted = [&out](std::string_view text) {
    if (detail::is_utf8(text)) return write_quoted(out, text);
    std::string printable(text);  // errors must be reported even if the message is not UTF-8
    for (char& c : printable) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
    write_quoted(out, printable);
  };
  out += "{\"name\":";
  quoted(info.name);
  out += ",\"message\":";
  quoted(info.message);
  if (!info.stack.empty()) {
    out += ",\"stack\":";
    quoted(info.stack);
  }
  for (const auto& [name, message] : info.causes) {
    out += ",\"cause\":{\"name\":";
    quoted(name);
    out += ",\"message\":";
    quoted(message);
  }
  out.append(info.causes.size() + 1, '}');
}

}  // namespace inngest::inline INNGEST_ABI::protocol
