#pragma once

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <studio/blob_storage.hpp>
#include <studio/image.hpp>
#include <studio/media.hpp>

namespace studio {

struct asset_server_options {
  /// 0 chooses a free port.
  int port = 0;
  /// How many of the first requests get a 503, as if the server were still starting.
  int cold_requests = 0;
};

struct served_request {
  std::string path;
  int status = 0;
};

/// Lets a server listen on a port that another process has just left, but not on one where another server
/// listens, as it could with cpp-httplib's own option. inngest::serve() does the same.
inline void do_not_share_port(httplib::Server& server) {
  server.set_socket_options([](auto socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, reinterpret_cast<const char*>(&yes), sizeof yes);
  });
}

/// Serves a brand's documents and pictures, and the blobs, over HTTP on the loopback interface.
///
///     /brand/<name>.txt                      a brand's guidelines
///     /images/<width>x<height>/<rrggbb>.ppm  a picture shaded in a color
///     /blobs/<path>                          a blob
class asset_server {
 public:
  explicit asset_server(std::shared_ptr<const blob_storage> blobs, const asset_server_options& options = {})
      : blobs_(std::move(blobs)), cold_requests_(options.cold_requests) {
    add_routes();
    do_not_share_port(server_);
    const bool any = options.port == 0;
    port_ = any ? server_.bind_to_any_port(host) : options.port;
    if (port_ < 0 || (!any && !server_.bind_to_port(host, port_)))
      throw std::runtime_error("the asset server can't listen on port " + std::to_string(options.port));
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();  // stop() works only once it is running
  }

  ~asset_server() {
    server_.stop();
    thread_.join();
  }

  asset_server(const asset_server&) = delete;
  asset_server& operator=(const asset_server&) = delete;

  std::string url(const std::string& path) const {
    return "http://" + std::string(host) + ":" + std::to_string(port_) + path;
  }

  /// All requests so far, in order.
  std::vector<served_request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  static constexpr const char* host = "127.0.0.1";

  void add_routes() {
    server_.set_pre_routing_handler([this](const httplib::Request&, httplib::Response& response) {
      if (cold_requests_ <= 0 || cold_requests_.fetch_sub(1) <= 0)
        return httplib::Server::HandlerResponse::Unhandled;
      response.status = 503;
      return httplib::Server::HandlerResponse::Handled;
    });
    server_.set_post_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard lock(mutex_);
      requests_.push_back({.path = request.path, .status = response.status});
    });
    server_.Get(R"(/brand/([a-z]+)\.txt)", [](const httplib::Request& request, httplib::Response& response) {
      response.set_content(guidelines(request.matches[1]), "text/plain");
    });
    server_.Get(R"(/images/(\d{1,3})x(\d{1,3})/([0-9a-f]{6})\.ppm)",
                [](const httplib::Request& request, httplib::Response& response) {
                  const int width = std::stoi(request.matches[1]);
                  const int height = std::stoi(request.matches[2]);
                  const int rgb = std::stoi(request.matches[3], nullptr, 16);
                  response.set_content(write_ppm(shaded(width, height, rgb)), "image/x-portable-pixmap");
                });
    server_.Get("/blobs/(.+)", [this](const httplib::Request& request, httplib::Response& response) {
      const std::string path = request.matches[1];
      auto bytes = blobs_->find(path);
      if (bytes)
        response.set_content(std::move(*bytes), media_type_of(path).c_str());
      else
        response.status = 404;
    });
  }

  /// A picture in one color that gets darker towards the lower right.
  static image shaded(int width, int height, int rgb) {
    image out{.width = std::max(width, 1), .height = std::max(height, 1), .pixels = {}};
    for (int y = 0; y < out.height; ++y) {
      for (int x = 0; x < out.width; ++x) {
        const int light = 128 - 64 * (x + y) / (out.width + out.height);
        out.pixels.push_back(
            {(rgb >> 16) * light / 128, (rgb >> 8 & 255) * light / 128, (rgb & 255) * light / 128});
      }
    }
    return out;
  }

  /// A brand's guidelines; the name determines the colors.
  static std::string guidelines(std::string name) {
    const auto seed = static_cast<unsigned>(std::hash<std::string>{}(name));
    const auto hue = [seed](unsigned shift) { return static_cast<int>(seed >> shift & 255u); };
    const std::string main = to_hex({hue(0), hue(8), hue(16)});
    const std::string second = to_hex({hue(16), hue(4), hue(12)});
    name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
    return name +
           " exists to make well-made things last. Our mission is to repair before we replace, and our "
           "promise is that every piece can be mended.\n\n"
           "The voice of " +
           name +
           " is calm and exact. We write in short sentences, and the words "
           "we choose are those a craftsman would say to a customer.\n\n"
           "The primary color is " +
           main + " and the second color of the palette is " + second +
           ". Typography is a grotesque in two weights. The logo stands alone on a quiet ground.\n\n"
           "Always show the hand that made it. Never hide a repair. Always name the material. Our "
           "values are patience, honesty and reuse.\n";
  }

  std::shared_ptr<const blob_storage> blobs_;
  std::atomic<int> cold_requests_;
  int port_ = 0;
  mutable std::mutex mutex_;  // guards requests_
  std::vector<served_request> requests_;
  httplib::Server server_;
  std::thread thread_;
};

}  // namespace studio
