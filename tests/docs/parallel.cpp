// Code of docs/parallel.md.

#include <chrono>
#include <string>
#include <vector>

#include <inngest/inngest.hpp>

using namespace std::chrono_literals;

namespace docs::parallel {

struct Asset { std::string logo, text; };
INNGEST_FIELDS(Asset, logo, text)
using Added = inngest::event<"asset/added", Asset>;
using context = inngest::context<Added>;

std::string fetch(const std::string& url);
void store(const std::string& logo, const std::string& text);

void start(context& ctx, const Asset& asset) {
  // [start]
  auto logo = ctx.step.start("logo", [url = asset.logo] { return fetch(url); });
  auto text = ctx.step.start("text", [url = asset.text] { return fetch(url); });
  store(logo.get(), text.get());
  // [start]
}

struct Image { std::string id, url; };
std::string resized(const std::string& url);

void loop(context& ctx, const std::vector<Image>& images) {
  // [loop]
  const auto resize = [&ctx](const Image& image) {
    return ctx.step.start("resize-" + image.id, [url = image.url] { return resized(url); });
  };
  std::vector<decltype(resize(images.front()))> handles;
  for (const Image& image : images) handles.push_back(resize(image));
  // [loop]
}

struct Node { std::string id; };
using Result = std::string;
Result process(const Node& node);
std::string fetch_logo();
std::string summarize();
std::string palette_of(const std::string& logo);

void branches(context& ctx, const std::vector<Node>& nodes) {
  // [branches]
  auto [palette, summary] = ctx.group.parallel(
      [&] { auto raw = ctx.step.run("fetch-logo", fetch_logo); return ctx.step.run("palette", [&] { return palette_of(raw); }); },
      [&] { return ctx.step.run("summary", summarize); });

  std::vector<Result> results = ctx.group.parallel(nodes, [&](const Node& node) {
    return ctx.step.run("node-" + node.id, [&] { return process(node); });
  });
  // [branches]
}

void save();

void shared_id(context& ctx) {
  // [shared-id]
  ctx.group.parallel([&] { ctx.step.sleep("pause", 5s); ctx.step.run("save", save); },  // which "save" is first
                     [&] { ctx.step.run("save", save); });                              // depends: the run fails
  // [shared-id]
}

std::string ask_model();

void race(context& ctx, const std::string& fallback) {
  // [race]
  auto winner = ctx.group.race([&] { return ctx.step.run("ask-model", ask_model); },
                               [&] { ctx.step.sleep("limit", 5s); return fallback; });
  // [race]
}

int old_price();
int new_price();

void experiment(context& ctx) {
  // [experiment]
  auto [variant, price] = ctx.group.experiment(
      "pricing", inngest::experiment::weighted({{"old", 80}, {"new", 20}}),
      inngest::variant("old", [&] { return ctx.step.run("price", old_price); }),
      inngest::variant("new", [&] { return ctx.step.run("new-price", new_price); }));
  // [experiment]
}

}  // namespace docs::parallel
