// What the others are compared with: a program that parses JSON and serves it over HTTP.

#include <httplib.h>
#include <nlohmann/json.hpp>

int main() {
  httplib::Server server;
  server.Post("/", [](const httplib::Request& request, httplib::Response& response) {
    response.set_content(nlohmann::json::parse(request.body).dump(), "application/json");
  });
  server.listen("127.0.0.1", 3000);
}
