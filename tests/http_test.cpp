#include <inngest/http.hpp>
#include <inngest/http/detail/request_line.hpp>

#include <string>

#include "catch.hpp"

using inngest::http::percent_decoded;
using inngest::http::percent_encoded;
using inngest::http::request;

TEST_CASE("percent coding undoes itself for every byte", "[http]") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK(percent_decoded(percent_encoded(all)) == all);
  CHECK(percent_encoded("app-my fn/ä") == "app-my%20fn%2F%C3%A4");
  CHECK(percent_encoded("AZaz09-._~") == "AZaz09-._~");
}

TEST_CASE("a percent sign that starts no escape stays", "[http]") {
  CHECK(percent_decoded("%") == "%");
  CHECK(percent_decoded("%4") == "%4");
  CHECK(percent_decoded("%41") == "A");
  CHECK(percent_decoded("%zz") == "%zz");
  CHECK(percent_decoded("100%") == "100%");
  CHECK(percent_decoded("%%41") == "%A");
  CHECK(percent_decoded("%2541") == "%41");
  CHECK(percent_decoded("a+b%2Bc") == "a b+c");
  CHECK(percent_decoded("%00x") == std::string("\0x", 2));
}

TEST_CASE("query parameters are found and decoded", "[http]") {
  const request r{.url = "/api/inngest?fnId=my%20app-fn&stepId=step&empty=&flag&fnId=second&a%3Db=c"};
  CHECK(r.query("fnId") == "my app-fn");
  CHECK(r.query("stepId") == "step");
  CHECK(r.query("empty") == "");
  CHECK(r.query("flag") == "");
  CHECK(r.query("a=b") == "c");
  CHECK_FALSE(r.query("fnid").has_value());
  CHECK_FALSE(r.query("absent").has_value());
}

TEST_CASE("odd queries are read without harm", "[http]") {
  CHECK_FALSE(request{.url = "/x"}.query("a").has_value());
  CHECK_FALSE(request{.url = "/x?"}.query("a").has_value());
  CHECK_FALSE(request{.url = ""}.query("a").has_value());
  CHECK(request{.url = "/x?&&a=1&&"}.query("a") == "1");
  CHECK(request{.url = "/x?a=b=c"}.query("a") == "b=c");
  CHECK(request{.url = "/x?a=1#b"}.query("a") == "1");
  CHECK(request{.url = "/x?a=1?b=2"}.query("a") == "1?b=2");
  CHECK(request{.url = "?a=%"}.query("a") == "%");
  CHECK(request{.url = "/x?=v"}.query("") == "v");
  CHECK(request{.url = "/x?&&=v"}.query("") == "v");
}

TEST_CASE("the path of a URL has neither origin nor query", "[http]") {
  CHECK(request{.url = "/api/inngest?x=1"}.path() == "/api/inngest");
  CHECK(request{.url = "https://host:1/api/inngest?x=1"}.path() == "/api/inngest");
  CHECK(request{.url = "https://host"}.path() == "/");
  CHECK(request{.url = "/a#b?c"}.path() == "/a");
  CHECK(request{.url = ""}.path() == "");
}

TEST_CASE("a URL inside the query does not change the path", "[http]") {
  CHECK(request{.url = "/api/inngest?deploy=http://other/foo"}.path() == "/api/inngest");
  CHECK(request{.url = "https://host?to=/x"}.path() == "/");
}

TEST_CASE("a URL that names no one place is refused with a reason that tells no password",
          "[http][security]") {
  const auto [url, reason] = GENERATE(table<std::string, std::string>({
      {"http://u:secretpw@127.0.0.1:5210/x", "Authorization header"},
      {"http://u@127.0.0.1", "Authorization header"},
      {"HTTPS://:secretpw@127.0.0.1?x=1", "Authorization header"},
      {"http://@127.0.0.1", "Authorization header"},
      {"http://u:secretpw@127.0.0.1:abc/", "Authorization header"},
      {"http://u:x/secretpw@127.0.0.1/", "port"},
      {"ftp://u:secretpw@127.0.0.1/", "not an http or https URL: \"ftp://...@127.0.0.1/\""},
      {"u:secretpw@127.0.0.1", "not an http or https URL: \"...@127.0.0.1\""},
      {"http:///u:secretpw@127.0.0.1", "without a host"},
      {"http://127.0.0.1:abc/", "port"},
      {"http://127.0.0.1:65536/", "port"},
      {"http://127.0.0.1:0/", "port"},
      {"http://127.0.0.1:/", "port"},
      {"http://127.0.0.1:", "port"},
      {"http://127.0.0.1:-1", "port"},
      {"http://127.0.0.1:1:2", "port"},
      {"http://127.0.0.1:18446744073709551617", "port"},
      {"http://[::1]:?x", "port"},
      {"http://:5210/", "without a host"},
      {"http://[]/", "without a host"},
      {"http://[::1/", "bracket"},
      {"http://::1]/", "without a host"},
      {"http://[::1]x/", "bracket"},
      {"http://a[b]/", "bracket"},
  }));
  CAPTURE(url);
  const std::string problem = inngest::detail::url_problem(url).value_or("none");
  CHECK_THAT(problem,
             Catch::Matchers::ContainsSubstring(reason) && !Catch::Matchers::ContainsSubstring("secretpw"));
}

TEST_CASE("a URL may have a port, an address in brackets, and an at sign after its host", "[http]") {
  const std::string url =
      GENERATE(as<std::string>(), "http://a", "http://a:1", "http://a:65535/", "https://a:080?x=a@b",
               "http://[::1]", "http://[::1]:80/x", "HTTP://a/@b:c", "http://a#[@:");
  CAPTURE(url);
  CHECK(inngest::detail::url_problem(url).value_or("none") == "none");
  CHECK(inngest::detail::shown_url(url) == url);
}

TEST_CASE("a path that looks like a URL further on is a path", "[http]") {
  CHECK(request{.url = "/x://host/api/state?a"}.path() == "/x://host/api/state");
  CHECK(request{.url = "//host/api"}.path() == "//host/api");
}

TEST_CASE("no header field ends another one", "[http]") {
  inngest::http::headers headers{{"location", "/a\r\nset-cookie: b"}};
  headers.add("x\ny", std::string("1\0002\r3", 5));
  CHECK(headers.find("location") == "/a  set-cookie: b");
  CHECK(headers.find("x y") == "1 2 3");
}

TEST_CASE("header names are compared without regard to case and the first one counts", "[http]") {
  inngest::http::headers headers{{"X-Inngest-SDK", "a"}, {"x-inngest-sdk", "b"}};
  headers.add("Empty", "");
  CHECK(headers.find("x-INNGEST-sdk") == "a");
  CHECK(headers.find("empty") == "");
  CHECK_FALSE(headers.find("x-inngest-sd").has_value());
  CHECK_FALSE(headers.find("").has_value());
}
