#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <map>

#include <inngest/ai/detail/requests.hpp>
#include <inngest/config.hpp>
#include <inngest/execution/replay.hpp>

namespace inngest::inline INNGEST_ABI::ai::detail {

INNGEST_INLINE void refuse(const std::string& model, const std::string& problem) {
  throw configuration_error("model \"" + model + "\": " + problem);
}

INNGEST_INLINE std::string below(const std::string& model, const char* option, const std::string& base,
                                 const std::string& path) {
  if (const auto problem = inngest::detail::url_problem(base))
    refuse(model, std::string(option) + ": " + *problem);
  const std::size_t query = (std::min)(base.find('?'), base.size());
  std::string out = base.substr(0, query);
  if (!out.ends_with('/')) out += '/';
  out += path;
  if (query + 1 < base.size()) out += (path.find('?') == path.npos ? '?' : '&') + base.substr(query + 1);
  return out;
}

INNGEST_INLINE std::string key_or(const std::string& given, const char* variable, const std::string& model) {
  std::string key = inngest::detail::trimmed(given);
  const char* found = key.empty() ? std::getenv(variable) : nullptr;
  if (found != nullptr) key = inngest::detail::trimmed(found);
  if (inngest::detail::has_control_characters(key)) refuse(model, "the API key contains a line break");
  const execution::replay* run = execution::replay::current();
  const bool is_needed = run == nullptr || !run->services().is_test();  // a test asks no model
  if (!key.empty() || !is_needed) return key;
  refuse(model, std::string("no API key: set api_key or the environment variable ") + variable);
}

INNGEST_INLINE void fill_in(json& body, const json& defaults) {
  for (const auto& [name, value] : defaults.items()) {
    if (!body.contains(name))
      body[name] = value;
    else if ((name == "generationConfig" || name == "thinkingConfig") && body[name].is_object() &&
             value.is_object())
      fill_in(body[name], value);
  }
}

INNGEST_INLINE std::string completed(
    std::string body, const extra_fields& defaults,
    std::initializer_list<std::pair<std::string_view, std::string>> required) {
  if (!body.starts_with('{')) throw payload_error("request", "a request to a model must be a JSON object");
  if (!defaults.empty()) {
    json all = inngest::detail::parse_dom(body);
    fill_in(all, json(static_cast<const std::map<std::string, json>&>(defaults)));
    body = encode(all, "request");
  }
  const inngest::detail::json_buffer buffer(body);
  if (inngest::detail::find_member(buffer, "stream") == "true")
    throw payload_error("request.stream",
                        "the server expects the answer as one JSON text, so streaming is not possible");
  std::string missing;
  for (const auto& [name, value] : required) {
    if (value != "\"\"" && inngest::detail::find_member(buffer, name).empty())
      missing += (missing.empty() ? "\"" : ",\"") + std::string(name) + "\":" + value;
  }
  if (missing.empty()) return body;
  return body == "{}" ? "{" + missing + "}" : "{" + missing + "," + body.substr(1);
}

INNGEST_INLINE gateway_request chat(const std::string& model, const std::string& url, std::string key,
                                    const char* format, std::string body, const extra_fields& defaults) {
  return {.url = url,
          .auth_key = std::move(key),
          .format = format,
          .body = completed(std::move(body), defaults, {{"model", encode(model)}})};
}

}  // namespace inngest::inline INNGEST_ABI::ai::detail
