#pragma once

#include <inngest/inngest.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chance.hpp"
#include "functions.hpp"

namespace simulated {

/// The events that others send to a simulated app, as JSON. They are numbered in their data.
class sent_events {
 public:
  /// One event, with a time if there is one.
  std::string one(chance& by, std::optional<inngest::timestamp> ts = {}) {
    std::string out = "{\"name\":\"" + std::string(by.pick(event_names)) + "\",\"data\":{\"k\":\"" +
                      by.pick(key_values) + "\",\"n\":" + std::to_string(by.below(10)) +
                      ",\"u\":" + std::to_string(++count_) + "}";
    if (ts)
      out += ",\"ts\":" + std::to_string(ts->time_since_epoch().count());
    else if (by.one_in(8))
      out += ",\"id\":\"given-" + std::to_string(by.below(4)) + "\"";
    return out + "}";
  }

  /// One event, or a list.
  std::string some(chance& by) {
    if (!by.one_in(5)) return one(by);
    std::string out = "[";
    for (std::size_t i = 1 + by.below(3); i-- > 0;) out += one(by) + (i > 0 ? "," : "");
    return out + "]";
  }

  /// Events that are refused, or unusual.
  static std::string odd(chance& by) {
    static const std::vector<std::string> odd{
        "",
        "[]",
        "{}",
        "[{}]",
        "{\"name\":7}",
        "{\"name\":\"sim/a\",\"data\":{\"t\":\"\\ud83d\"}}",
        "{\"name\":\"inngest/function.failed\",\"data\":{}}",
        "{\"name\":\"sim/a\",\"data\":[]}",
        "[{\"name\":\"sim/a\",\"data\":{}},{\"name\":\"\"}]",
        "{\"name\":\"sim/a\",\"data\":{}}",
        "{\"name\":\"sim/b\"}",
        "{\"name\":\"sim/c\",\"data\":{\"k\":null,\"n\":null}}",
        "{\"name\":\"sim/a\",\"data\":{\"k\":\"k0\",\"n\":1e300}}",
        "{\"name\":\"sim/d\",\"data\":{},\"ts\":-1}",
        "{\"name\":\"sim/d\",\"data\":{\"_inngest\":{\"status\":\"Completed\"}}}",
        "{\"name\":\"sim/a\",",
        "{\"name\":\"sim/"
        "a\",\"data\":{\"k\":\"k1\",\"n\":3},\"user\":{\"id\":\"u\"},\"v\":\"2\",\"id\":\"given-1\"}"};
    return by.pick(odd);
  }

 private:
  std::uint64_t count_ = 0;
};

}  // namespace simulated
