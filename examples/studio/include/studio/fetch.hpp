#pragma once

#include <httplib.h>

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>

#include <inngest/error.hpp>

namespace studio {

struct fetched {
  std::string content_type;
  std::string body;
};

/// Gets a URL. Temporary problems are ordinary errors; permanent ones are non-retriable.
inline fetched fetch(const std::string& url) {
  constexpr std::size_t largest = 16 * 1024 * 1024;
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) throw inngest::non_retriable_error("not a URL: \"" + url + "\"");
  const std::size_t slash = std::min(url.find_first_of("/?#", scheme + 3), url.size());

  httplib::Client client(url.substr(0, slash));
  if (!client.is_valid()) throw inngest::non_retriable_error("not a URL to fetch: \"" + url + "\"");
  client.set_connection_timeout(5);
  client.set_read_timeout(15);
  client.set_follow_location(true);

  fetched out;
  const auto take = [&out](const char* data, std::size_t size) {
    if (out.body.size() + size > largest) return false;
    out.body.append(data, size);
    return true;
  };
  const std::string target = url.substr(slash);
  const httplib::Result result = client.Get(target.starts_with('/') ? target : "/" + target, take);
  if (!result) throw std::runtime_error("GET " + url + ": " + httplib::to_string(result.error()));

  const int status = result->status;
  if (status < 200 || status > 299) {
    const std::string problem = "GET " + url + ": status " + std::to_string(status);
    if (status >= 500 || status == 429 || status == 408) throw std::runtime_error(problem);
    throw inngest::non_retriable_error(problem);
  }
  out.content_type = result->get_header_value("Content-Type");
  return out;
}

}  // namespace studio
