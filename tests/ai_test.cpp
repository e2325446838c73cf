#include <inngest/ai.hpp>

#include <cstdlib>
#include <string>

#include <inngest/serve.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"

namespace {

namespace ai = inngest::ai;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using support::run_driver;
using test_event = inngest::event<"test/event">;

template <class Handler>
auto made(Handler handler) {
  return support::quiet_client().create_function({.id = "f"}, inngest::on<test_event>(), std::move(handler));
}

}  // namespace

TEST_CASE("a model is called by the server, and its answer read into types", "[ai]") {
  auto f = made([](auto& ctx) {
    const auto answer = ctx.step.ai.infer(
        "think", ai::openai{.model = "gpt-4o", .api_key = "sk-test"},
        ai::chat_request{.messages = {{.role = "user", .content = "hi"}}, .temperature = 0.5});
    return ai::text(answer) + std::to_string(answer.usage->total_tokens);
  });
  run_driver run(f);
  const json op = run.discover().op();
  CHECK(op.at("op") == "AIGateway");
  CHECK(op.at("opts") == json{{"type", "step.ai.infer"},
                              {"url", "https://api.openai.com/v1/chat/completions"},
                              {"auth_key", "sk-test"},
                              {"format", "openai-chat"},
                              {"body",
                               {{"model", "gpt-4o"},
                                {"messages", {{{"role", "user"}, {"content", "hi"}}}},
                                {"temperature", 0.5}}}});
  run.result("think", json::parse(R"({"id":"c1","object":"chat.completion","choices":[{"index":0,"message":
      {"role":"assistant","content":"hello","refusal":null},"finish_reason":"stop","logprobs":null}],
      "usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"details":{"x":1}}})"));
  CHECK(run.discover().text == R"("hello2")");
}

TEST_CASE("a failed model call is a failed step", "[ai]") {
  auto f = made([](auto& ctx) {
    ctx.step.ai.infer("think", ai::openai{.model = "m", .api_key = "k"}, json::object());
  });
  run_driver run(f);
  const auto reply = run.failure("think", "AIGatewayError", "429").discover();
  CHECK(reply.body().at("name") == "AIGatewayError");
}

TEST_CASE("each provider has its address, format and headers", "[ai]") {
  const json request{{"messages", json::array()}};
  const auto anthropic =
      make_request(ai::anthropic{.model = "claude", .api_key = "k", .beta_headers = {"a", "b"}}, request);
  CHECK(anthropic.url == "https://api.anthropic.com/v1/messages");
  CHECK(anthropic.format == "anthropic");
  CHECK(anthropic.headers.at(0) == std::pair<std::string, std::string>("anthropic-version", "2023-06-01"));
  CHECK(anthropic.headers.at(1).second == "a,b");

  const auto gemini =
      make_request(ai::gemini{.model = "gemini-2.0", .api_key = "secret"}, json{{"contents", {}}});
  CHECK(gemini.url == "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0:generateContent");
  CHECK(gemini.url.find("secret") == std::string::npos);
  CHECK_FALSE(json::parse(gemini.body).contains("model"));

  const auto azure = make_request(ai::azure_openai{.model = "gpt",
                                                   .endpoint = "https://x.openai.azure.com/",
                                                   .deployment = "my deployment",
                                                   .api_version = "2024-06-01",
                                                   .api_key = "k"},
                                  request);
  CHECK(azure.url ==
        "https://x.openai.azure.com/openai/deployments/my%20deployment/chat/"
        "completions?api-version=2024-06-01");
  CHECK(azure.headers.at(0).first == "api-key");
  CHECK(make_request(ai::grok{.model = "g", .api_key = "k"}, request).format == "grok");
  CHECK(make_request(ai::deepseek{.model = "d", .api_key = "k"}, request).url ==
        "https://api.deepseek.com/v1/chat/completions");
  CHECK(make_request(ai::openai_responses{.model = "o", .api_key = "k"}, json{{"input", "hi"}}).format ==
        "openai-responses");
  const auto own =
      make_request(ai::openai_compatible{.model = "m", .base_url = "http://llm:8080/v1/"}, request);
  CHECK(own.url == "http://llm:8080/v1/chat/completions");
  CHECK(own.auth_key.empty());
}

TEST_CASE("a request that names a model keeps it, and one that is no object is refused", "[ai]") {
  const ai::openai model{.model = "default", .api_key = "k"};
  CHECK(json::parse(make_request(model, json{{"model", "other"}}).body).at("model") == "other");
  CHECK(make_request(model, json::object()).body == R"({"model":"default"})");
  CHECK_THROWS_AS(make_request(model, json::array()), inngest::payload_error);
}

TEST_CASE("a missing API key is named with its variable, and found there", "[ai]") {
  ::unsetenv("ANTHROPIC_API_KEY");
  const ai::anthropic model{.model = "claude"};
  CHECK_THROWS_WITH(make_request(model, json::object()),
                    ContainsSubstring("\"claude\"") && ContainsSubstring("ANTHROPIC_API_KEY"));
  ::setenv("ANTHROPIC_API_KEY", "from-env", 1);
  CHECK(make_request(model, json::object()).auth_key == "from-env");
  ::unsetenv("ANTHROPIC_API_KEY");
}

TEST_CASE("answers of all formats are read, and what is new in them is kept", "[ai]") {
  const auto anthropic = inngest::decode<ai::anthropic_answer>(
      R"({"id":"m","type":"message","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"f",
          "input":{"x":1}},{"type":"text","text":"b"}],"usage":{"input_tokens":3,"output_tokens":4,"cache":5}})");
  CHECK(ai::text(anthropic) == "ab");
  CHECK(anthropic.extra.at("type") == "message");
  CHECK(anthropic.content.at(1).input->at("x") == 1);
  CHECK(anthropic.usage->extra.at("cache") == 5);
  const auto gemini = inngest::decode<ai::gemini_answer>(
      R"({"candidates":[{"content":{"parts":[{"text":"x"},{"functionCall":{"name":"f"}}],"role":"model"},"index":0}]})");
  CHECK(ai::text(gemini) == "x");
  CHECK(ai::text(ai::chat_answer{}).empty());
  CHECK(ai::text(ai::gemini_answer{}).empty());
}
