#include "opened_file.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>

namespace terminal {
namespace {

using inngest::json;

std::shared_ptr<inngest::embedded::sqlite_store> reader_of(const std::filesystem::path& path) {
  return std::make_shared<inngest::embedded::sqlite_store>(
      inngest::embedded::sqlite_options{.path = path, .read_only = true});
}

std::vector<json*> runs_in(json& answer) {
  std::vector<json*> out;
  if (answer.is_object() && answer.contains("runs") && answer["runs"].is_array()) {
    for (json& run : answer["runs"]) out.push_back(&run);
  } else if (answer.is_object() && answer.contains("timeline")) {
    out.push_back(&answer);
  }
  std::erase_if(
      out, [](json* run) { return !run->is_object() || !run->contains("id") || !(*run)["id"].is_string(); });
  return out;
}

}  // namespace

parameters opened_file::for_store(const parameters& query) {
  parameters out;
  bool wants_open = false;
  for (const auto& parameter : query) {
    if (parameter.first == "status" && is_open(parameter.second))
      wants_open = true;
    else
      out.push_back(parameter);
  }
  if (wants_open) out.insert(out.end(), {{"status", "queued"}, {"status", "running"}});
  return out;
}

void opened_file::keep_wanted(json& list, const parameters& query) {
  std::vector<std::string> wanted;
  for (const auto& [name, value] : query) {
    if (name == "status") wanted.push_back(value);
  }
  if (wanted.empty() || !list.contains("runs")) return;
  json kept = json::array();
  for (json& run : list["runs"]) {
    if (std::find(wanted.begin(), wanted.end(), run.value("status", "")) != wanted.end())
      kept.push_back(std::move(run));
  }
  list["runs"] = std::move(kept);
}

opened_file::opened_file(const std::filesystem::path& path)
    : key_("signkey-test-" + inngest::detail::to_hex(inngest::detail::random_bytes<32>())),
      app_({.id = "inngest-engine", .mode = inngest::mode::dev, .log = inngest::logger(nullptr)}),
      engine_(app_, {}, {.workers = 1, .store = reader_of(path)}),
      server_(engine_, {.port = 0, .signing_key = key_, .connections = 2}),
      views_(path.string(), inngest::detail::sqlite::access::reads) {}

void opened_file::describe(json& answer) {
  std::map<std::string, json*> open;
  json ids = json::array();
  for (json* run : runs_in(answer)) {
    if ((*run).value("ended_at", json()) != json()) continue;
    ids.push_back((*run)["id"]);
    open.emplace((*run)["id"].get<std::string>(), run);
  }
  if (open.empty()) return;
  const std::string wanted = ids.dump();
  auto rows = views_.query(
      "SELECT id, status, coalesce(waits_for, ''), coalesce(until, '') FROM readable_runs "
      "WHERE id IN (SELECT value FROM json_each(?1))",
      std::string_view(wanted));
  for (std::string id, status, waits_for, until; rows.next();) {
    rows.read(id, status, waits_for, until);
    const auto found = open.find(id);
    if (found == open.end()) continue;
    (*found->second)["status"] = status;
    (*found->second)["waits_for"] = waits_for;
    (*found->second)["until"] = until.empty() ? json() : json(until);
  }
}

}  // namespace terminal
