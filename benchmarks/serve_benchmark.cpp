// The server that benchmarks/run.sh measures.
//
//   serve_benchmark requests <folder>        writes the request bodies of the workloads
//   serve_benchmark sign <key> <file>        prints the signature of a body, as of now
//   serve_benchmark ours <port>              serves the functions of the workloads on cpp-httplib
//   serve_benchmark beast <port>             the same on the server of the Beast adapter, with one I/O thread
//   serve_benchmark constant <port> <file>   reads each request and answers with the file's text
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <boost/asio/io_context.hpp>

#include <inngest/inngest.hpp>

#include <inngest/adapters/beast.hpp>
#include <inngest/adapters/httplib.hpp>

namespace {

struct size {
  int steps = 0;
};
INNGEST_FIELDS(size, steps)
using asked = inngest::event<"bench/asked", size>;

/// What a step returns: as JSON about 200 bytes and its padding.
struct item {
  std::string name, sku, description, padding;
  int quantity = 0;
  double price = 0;
  bool in_stock = false;
  std::vector<std::string> tags;
};
INNGEST_FIELDS(item, name, sku, description, padding, quantity, price, in_stock, tags)

item make_item(std::size_t padding) {
  return {.name = "A product of some kind",
          .sku = "SKU-2026-000123",
          .description = "Fits most needs",
          .padding = std::string(padding, 'x'),
          .quantity = 7,
          .price = 19.95,
          .in_stock = true,
          .tags = {"red", "large", "new"}};
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// ---- requests -------------------------------------------------------------------------------------------

/// A call in canonical form, with the results of so many steps.
std::string call_of(int steps, int remembered, std::size_t padding) {
  std::string stack;
  std::map<std::string, std::string> memos;  // canonical JSON has its keys in order
  for (int i = 0; i < remembered; ++i) {
    const std::string id = i == 0 ? "step" : "step:" + std::to_string(i);
    const std::string hash = inngest::detail::to_hex(inngest::detail::sha1::of(id));
    stack += (stack.empty() ? "\"" : ",\"") + hash + "\"";
    memos[hash] = "{\"data\":" + inngest::json(make_item(padding)).dump() + "}";
  }
  std::string results;
  for (const auto& [id, memo] : memos) results += (results.empty() ? "\"" : ",\"") + id + "\":" + memo;
  const std::string event = R"({"data":{"steps":)" + std::to_string(steps) +
                            R"(},"id":"01BENCH","name":"bench/asked","ts":1767225600000})";
  return R"({"ctx":{"attempt":0,"disable_immediate_execution":false,"env":"","fn_id":"f","max_attempts":4,)"
         R"("run_id":"01RUN","stack":{"current":)" +
         std::to_string(remembered) + R"(,"stack":[)" + stack +
         R"(]},"step_id":"step","use_api":false},"defers":{},"event":)" + event + R"(,"events":[)" + event +
         R"(],"steps":{)" + results + R"(},"use_api":false,"version":2})";
}

void write_requests(const std::filesystem::path& folder) {
  const std::size_t small = 20, large = 40'000;
  const std::map<std::string, std::string> all{
      {"none", call_of(0, 0, 0)},
      {"one", call_of(1, 0, 0)},
      {"replay-10", call_of(10, 10, small)},
      {"replay-100", call_of(100, 100, small)},
      {"replay-1000", call_of(1000, 1000, small)},
      {"state-4mb", call_of(100, 100, large)},
      {"plan-100", call_of(100, 0, 0)},
  };
  for (const auto& [name, body] : all) std::ofstream(folder / (name + ".json"), std::ios::binary) << body;
}

// ---- servers --------------------------------------------------------------------------------------------

/// Memory that one thread gave back is used again by the next, and large bodies go back to the system.
void prepare_memory() {
#if defined(__GLIBC__)
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
#endif
}

void prepare(httplib::Server& server) {
  server.new_task_queue = [] { return new httplib::ThreadPool(40); };  // as many as there are connections
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000);
  server.set_payload_max_length(64 * 1024 * 1024);
}

std::vector<inngest::any_function> functions(const inngest::client& app) {
  using context = inngest::context<asked>;
  const auto none =
      app.create_function({.id = "none"}, inngest::on<asked>(), [](context&) { return "done"; });
  const auto loop = app.create_function({.id = "loop"}, inngest::on<asked>(), [](context& ctx) {
    int total = 0;
    for (int i = 0; i < ctx.event.data.steps; ++i) {
      total += ctx.step.run("step", [] { return make_item(20); }).quantity;
    }
    return total;
  });
  const auto plan = app.create_function({.id = "plan"}, inngest::on<asked>(), [](context& ctx) {
    const auto one = [] { return 1; };
    std::vector<decltype(ctx.step.start("step", one))> started;
    for (int i = 0; i < ctx.event.data.steps; ++i) started.push_back(ctx.step.start("step", one));
    int total = 0;
    for (auto& each : started) total += each.get();
    return total;
  });
  return {none, loop, plan};
}

inngest::client make_client() {
  return inngest::client({.id = "bench", .checkpointing = {.enabled = false}});
}

void serve_on_httplib(int port) {
  const inngest::client app = make_client();
  httplib::Server server;
  prepare(server);
  inngest::serve(server, app, functions(app));
  server.listen("127.0.0.1", port);
}

void serve_on_beast(int port) {
  const inngest::client app = make_client();
  boost::asio::io_context io(1);
  inngest::beast_server server(io, {.port = static_cast<unsigned short>(port)});
  inngest::serve(server, app, functions(app));
  io.run();
}

void serve_constant(int port, const std::string& text) {
  httplib::Server server;
  prepare(server);
  server.Post("/api/inngest", [text](const httplib::Request&, httplib::Response& response,
                                     const httplib::ContentReader& read) {
    std::string body;
    read([&](const char* data, std::size_t size) {
      body.append(data, size);
      return true;
    });
    response.set_content(text, "application/json");
  });
  server.listen("127.0.0.1", port);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::string mode = words.empty() ? "" : words[0];
  prepare_memory();
  if (mode == "requests" && words.size() == 2) {
    write_requests(words[1]);
  } else if (mode == "sign" && words.size() == 3) {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    std::cout << inngest::protocol::sign(read_file(words[2]), words[1], now) << "\n";
  } else if (mode == "ours" && words.size() == 2) {
    serve_on_httplib(std::atoi(words[1].c_str()));
  } else if (mode == "beast" && words.size() == 2) {
    serve_on_beast(std::atoi(words[1].c_str()));
  } else if (mode == "constant" && words.size() == 3) {
    serve_constant(std::atoi(words[1].c_str()), read_file(words[2]));
  } else {
    std::cerr << "serve_benchmark requests <folder> | sign <key> <file> | ours <port> | beast <port> | "
                 "constant <port> <file>\n";
    return 2;
  }
}
