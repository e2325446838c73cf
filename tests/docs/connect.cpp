// Code of docs/connect.md and, of connections, of docs/embedding.md.

#include <vector>

#include <inngest/connect.hpp>
#include <inngest/embedded.hpp>
#include <inngest/embedded/connect_gateway.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/inngest.hpp>

namespace docs::connect {

void several_apps(const inngest::client& billing, const inngest::client& mail,
                  const inngest::any_function& charge, const inngest::any_function& welcome) {
  // [apps]
  inngest::connect::worker worker(std::vector<inngest::connect::app>{{billing, {charge}}, {mail, {welcome}}});
  // [apps]
}

void gateway(inngest::embedded::engine& engine) {
  // [gateway]
  #include <inngest/embedded/connect_gateway.hpp>

  inngest::embedded::http_server server{engine};       // http://127.0.0.1:8288
  inngest::embedded::connect_gateway gateway{server};  // ws://127.0.0.1:8289/v0/connect
  // [gateway]
}

}  // namespace docs::connect
