#include <inngest/ai.hpp>

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/serve.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"

namespace {

namespace ai = inngest::ai;
using Catch::Matchers::ContainsSubstring;
using inngest::decode;
using inngest::json;
using support::run_driver;
using test_event = inngest::event<"test/event">;
using header = std::pair<std::string, std::string>;

template <class Handler>
auto made(Handler handler) {
  return support::quiet_client().create_function({.id = "f"}, inngest::on<test_event>(), std::move(handler));
}

/// An environment variable with another value, or none, while this lives.
class with_variable {
 public:
  with_variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  with_variable(const with_variable&) = delete;
  ~with_variable() { set(before_ ? before_->c_str() : nullptr); }

  void set(const char* value) {
    if (value)
      ::setenv(name_, value, 1);
    else
      ::unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

template <class Model>
json body_of(const Model& model, const json& request) {
  return json::parse(make_request(model, request).body);
}

}  // namespace

namespace my_models {

struct house_model {
  using answer_type = std::string;
};

template <class Request>
ai::gateway_request make_request(const house_model&, const Request& request) {
  return {.url = "https://house.example.com", .format = "openai-chat", .body = inngest::encode(request)};
}

struct no_answer_type {};
struct no_make_request {
  using answer_type = json;
};

}  // namespace my_models

static_assert(ai::model<ai::openai> && ai::model<ai::openai_responses> && ai::model<ai::azure_openai> &&
              ai::model<ai::anthropic> && ai::model<ai::gemini> && ai::model<ai::grok> &&
              ai::model<ai::deepseek> && ai::model<ai::openai_compatible>);
static_assert(ai::model<my_models::house_model>);
static_assert(!ai::model<my_models::no_answer_type> && !ai::model<my_models::no_make_request>);
static_assert(!ai::model<int>);

TEST_CASE("a model is called by the server, and its answer read into types", "[ai]") {
  auto f = made([](auto& ctx) {
    const auto answer =
        ctx.step.ai.infer("think", ai::openai{.model = "gpt-4o", .api_key = "sk-test"},
                          {.messages = {{.role = "user", .content = "hi"}}, .temperature = 0.5});
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

TEST_CASE("a model call is told to the server as the TypeScript SDK tells it", "[ai]") {
  auto f = made([](auto& ctx) {
    const ai::openai model{.model = "gpt-4o", .api_key = "sk-test", .base_url = "http://127.0.0.1:3999/v1/"};
    return ctx.step.ai.infer("think", model,
                             ai::chat_request{.messages = {{.role = "user", .content = "hi"}}});
  });
  run_driver run(f);
  const json op = run.discover().op();
  const json recorded = json::parse(
      R"({"displayName":"think","op":"AIGateway","id":"b7c61c80ab26349d1b4f3d697461bdb40420f72f","opts":
          {"type":"step.ai.infer","url":"http://127.0.0.1:3999/v1/chat/completions","auth_key":"sk-test",
           "format":"openai-chat","body":{"messages":[{"role":"user","content":"hi"}],"model":"gpt-4o"}},
          "userland":{"id":"think"},"data":null})");
  for (const char* member : {"op", "id", "opts", "displayName"}) CHECK(op.at(member) == recorded.at(member));

  const json answer = json::parse(
      R"({"id":"c1","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,"message":
          {"role":"assistant","content":"hello"},"finish_reason":"stop"}],
          "usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}})");
  run.result("think", answer);
  CHECK(run.discover().body() == answer);
}

TEST_CASE("a model of one's own has the server call it like any other", "[ai]") {
  auto f = made([](auto& ctx) { return ctx.step.ai.infer("ask", my_models::house_model{}, json{{"q", 1}}); });
  run_driver run(f);
  CHECK(run.discover().op().at("opts").at("url") == "https://house.example.com");
  CHECK(run.result("ask", "an answer").discover().text == R"("an answer")");
}

TEST_CASE("headers of a model are part of what is told to the server", "[ai]") {
  auto f = made([](auto& ctx) {
    ctx.step.ai.infer("ask", ai::anthropic{.model = "claude", .api_key = "k"}, ai::anthropic_request{});
  });
  run_driver run(f);
  CHECK(run.discover().op().at("opts").at("headers") == json{{"anthropic-version", "2023-06-01"}});
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
  CHECK(anthropic.headers ==
        std::vector<header>{{"anthropic-version", "2023-06-01"}, {"anthropic-beta", "a,b"}});

  const auto gemini =
      make_request(ai::gemini{.model = "gemini-2.0", .api_key = "secret"}, json{{"contents", {}}});
  CHECK(gemini.url == "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0:generateContent");
  CHECK(gemini.format == "gemini");
  CHECK(gemini.auth_key == "secret");
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
  CHECK(azure.format == "azure-openai");
  CHECK(azure.headers == std::vector<header>{{"api-key", "k"}});

  const auto grok = make_request(ai::grok{.model = "g", .api_key = "k"}, request);
  CHECK(grok.url == "https://api.x.ai/v1/chat/completions");
  CHECK(grok.format == "grok");
  const auto deepseek = make_request(ai::deepseek{.model = "d", .api_key = "k"}, request);
  CHECK(deepseek.url == "https://api.deepseek.com/v1/chat/completions");
  CHECK(deepseek.format == "openai-chat");
  const auto responses =
      make_request(ai::openai_responses{.model = "o", .api_key = "k"}, json{{"input", "hi"}});
  CHECK(responses.url == "https://api.openai.com/v1/responses");
  CHECK(responses.format == "openai-responses");
  CHECK(json::parse(responses.body).at("model") == "o");
}

TEST_CASE("an endpoint of one's own needs no key and has headers of its own", "[ai]") {
  const json request = json::object();
  const auto own = make_request(
      ai::openai_compatible{.model = "m", .base_url = "http://llm:8080/v1/", .headers = {{"x-team", "a"}}},
      request);
  CHECK(own.url == "http://llm:8080/v1/chat/completions");
  CHECK(own.auth_key.empty());
  CHECK(own.headers == std::vector<header>{{"x-team", "a"}});
}

TEST_CASE("a query of a base URL stays behind the path", "[ai]") {
  const json request = json::object();
  CHECK(make_request(ai::openai_compatible{.model = "m", .base_url = "https://a/v1?tenant=7"}, request).url ==
        "https://a/v1/chat/completions?tenant=7");
  CHECK(make_request(ai::openai_compatible{.model = "m", .base_url = "https://a/v1/?"}, request).url ==
        "https://a/v1/chat/completions");
  CHECK(make_request(ai::azure_openai{.model = "m",
                                      .endpoint = "https://a?tenant=7",
                                      .deployment = "d",
                                      .api_version = "1",
                                      .api_key = "k"},
                     request)
            .url == "https://a/openai/deployments/d/chat/completions?api-version=1&tenant=7");
}

TEST_CASE("an address that is none is refused with the model's name and the option", "[ai]") {
  const json request = json::object();
  for (const char* bad : {"", "llm:8080", "https://", "http:///v1", "ftp://x"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(make_request(ai::openai_compatible{.model = "m", .base_url = bad}, request),
                    inngest::configuration_error);
  }
  CHECK_THROWS_WITH(
      make_request(ai::openai_compatible{.model = "m", .base_url = "llm:8080"}, request),
      ContainsSubstring("\"m\"") && ContainsSubstring("base_url") && ContainsSubstring("\"llm:8080\""));
  const auto azure = [&](const char* endpoint, const char* deployment, const char* version) {
    return make_request(ai::azure_openai{.model = "m",
                                         .endpoint = endpoint,
                                         .deployment = deployment,
                                         .api_version = version,
                                         .api_key = "k"},
                        request);
  };
  CHECK_THROWS_WITH(azure("", "d", "1"), ContainsSubstring("endpoint"));
  CHECK_THROWS_WITH(azure("https://a", "", "1"), ContainsSubstring("deployment"));
  CHECK_THROWS_WITH(azure("https://a", "d", ""), ContainsSubstring("api_version"));
  CHECK_NOTHROW(azure("https://a", "d", "1"));
  CHECK_THROWS_WITH(make_request(ai::gemini{.model = "", .api_key = "k"}, request),
                    ContainsSubstring("gemini"));
}

TEST_CASE("a request that names a model keeps it, and one that is no object is refused", "[ai]") {
  const ai::openai model{.model = "default", .api_key = "k"};
  CHECK(body_of(model, {{"model", "other"}}).at("model") == "other");
  CHECK(make_request(model, json::object()).body == R"({"model":"default"})");
  CHECK(make_request(ai::openai{.model = "", .api_key = "k"}, json::object()).body == "{}");
  CHECK_THROWS_AS(make_request(model, json::array()), inngest::payload_error);
  CHECK_THROWS_AS(make_request(model, json()), inngest::payload_error);
}

TEST_CASE("a request for a stream is refused, as the server reads no streams", "[ai]") {
  const ai::openai model{.model = "m", .api_key = "k"};
  CHECK_THROWS_WITH(make_request(model, json{{"stream", true}}), ContainsSubstring("request.stream"));
  CHECK_THROWS_AS(make_request(model, ai::chat_request{.messages = {}, .extra = {{"stream", true}}}),
                  inngest::payload_error);
  CHECK_NOTHROW(make_request(model, json{{"stream", false}}));
}

TEST_CASE("a model's default parameters are those that a request lacks", "[ai]") {
  const ai::openai model{
      .model = "m", .api_key = "k", .default_parameters = {{"temperature", 0.2}, {"seed", 7}}};
  CHECK(body_of(model, {{"temperature", 1}}) == json{{"model", "m"}, {"temperature", 1}, {"seed", 7}});

  const ai::gemini gemini{
      .model = "g",
      .api_key = "k",
      .default_parameters = {
          {"generationConfig",
           {{"topK", 3}, {"temperature", 0.2}, {"thinkingConfig", {{"thinkingBudget", 9}}}}},
          {"toolConfig", {{"a", 1}}}}};
  const json request{
      {"generationConfig", {{"temperature", 1}, {"thinkingConfig", {{"includeThoughts", true}}}}},
      {"toolConfig", {{"b", 2}}}};
  CHECK(body_of(gemini, request) ==
        json{{"generationConfig",
              {{"topK", 3},
               {"temperature", 1},
               {"thinkingConfig", {{"thinkingBudget", 9}, {"includeThoughts", true}}}}},
             {"toolConfig", {{"b", 2}}}});
}

TEST_CASE("a request to Anthropic has max_tokens: its own, the defaults' or the model's", "[ai]") {
  CHECK(body_of(ai::anthropic{.model = "c", .api_key = "k"}, json::object()).at("max_tokens") == 4096);
  const ai::anthropic model{.model = "c", .api_key = "k", .max_tokens = 100};
  CHECK(body_of(model, json::object()) == json{{"model", "c"}, {"max_tokens", 100}});
  CHECK(body_of(model, {{"max_tokens", 5}}).at("max_tokens") == 5);
  const auto typed = make_request(
      model, ai::anthropic_request{.messages = {{.role = "user", .content = "hi"}}, .max_tokens = 7});
  CHECK(json::parse(typed.body) ==
        json{{"model", "c"}, {"max_tokens", 7}, {"messages", {{{"role", "user"}, {"content", "hi"}}}}});
  const ai::anthropic with_default{.model = "c", .api_key = "k", .default_parameters = {{"max_tokens", 6}}};
  CHECK(body_of(with_default, json::object()).at("max_tokens") == 6);
}

TEST_CASE("a missing API key is named with its variable, and found there", "[ai]") {
  const auto check = [](const char* name, const auto& model) {
    CAPTURE(name);
    with_variable variable(name, nullptr);
    CHECK_THROWS_AS(make_request(model, json::object()), inngest::configuration_error);
    CHECK_THROWS_WITH(make_request(model, json::object()),
                      ContainsSubstring("\"some-model\"") && ContainsSubstring(name));
    variable.set("");
    CHECK_THROWS_WITH(make_request(model, json::object()), ContainsSubstring(name));
    variable.set("from-env");
    CHECK(make_request(model, json::object()).auth_key == "from-env");
    variable.set(" from-env\r\n");
    CHECK(make_request(model, json::object()).auth_key == "from-env");
    variable.set("from\nenv");
    CHECK_THROWS_WITH(make_request(model, json::object()), ContainsSubstring("line break"));
    auto with_key = model;
    with_key.api_key = "given";
    CHECK(make_request(with_key, json::object()).auth_key == "given");
    with_key.api_key = "given\n";
    CHECK(make_request(with_key, json::object()).auth_key == "given");
  };
  check("OPENAI_API_KEY", ai::openai{.model = "some-model"});
  check("OPENAI_API_KEY", ai::openai_responses{.model = "some-model"});
  check("AZURE_OPENAI_API_KEY",
        ai::azure_openai{
            .model = "some-model", .endpoint = "https://a", .deployment = "d", .api_version = "1"});
  check("ANTHROPIC_API_KEY", ai::anthropic{.model = "some-model"});
  check("GEMINI_API_KEY", ai::gemini{.model = "some-model"});
  check("XAI_API_KEY", ai::grok{.model = "some-model"});
  check("DEEPSEEK_API_KEY", ai::deepseek{.model = "some-model"});
}

TEST_CASE("a chat request is written as OpenAI wants it", "[ai]") {
  const ai::chat_request request{
      .messages = {{.role = "system", .content = "be brief"},
                   {.role = "user",
                    .content =
                        std::optional(json::array({{{"type", "image_url"}, {"image_url", {{"url", "u"}}}}}))},
                   {.role = "assistant",
                    .tool_calls =
                        std::vector<ai::chat_tool_call>{
                            {.id = "t1", .function = {.name = "weather", .arguments = "{}"}}}},
                   {.role = "tool", .content = "sunny", .tool_call_id = "t1"}},
      .top_p = 0.5,
      .max_completion_tokens = 10,
      .stop = std::vector<std::string>{"END"},
      .tools = std::vector<ai::chat_tool>{{.function = {.name = "weather",
                                                        .description = "Tells the weather",
                                                        .parameters = std::optional(json{{"type", "object"}}),
                                                        .strict = true}}},
      .tool_choice = "auto",
      .response_format = std::optional(json{{"type", "json_object"}}),
      .extra = {{"reasoning_effort", "low"}}};
  CHECK(json::parse(inngest::encode(request)) == json::parse(R"({
    "messages":[{"role":"system","content":"be brief"},
      {"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}}]},
      {"role":"assistant","tool_calls":[{"id":"t1","type":"function",
        "function":{"name":"weather","arguments":"{}"}}]},
      {"role":"tool","content":"sunny","tool_call_id":"t1"}],
    "top_p":0.5,"max_completion_tokens":10,"stop":["END"],
    "tools":[{"type":"function","function":{"name":"weather","description":"Tells the weather",
      "parameters":{"type":"object"},"strict":true}}],
    "tool_choice":"auto","response_format":{"type":"json_object"},"reasoning_effort":"low"})"));
}

TEST_CASE("requests in the other formats are written with the providers' names", "[ai]") {
  CHECK(
      json::parse(inngest::encode(ai::anthropic_request{
          .messages = {{.role = "user", .content = json::array({{{"type", "text"}, {"text", "hi"}}})}},
          .system = "be brief",
          .stop_sequences = std::vector<std::string>{"END"},
          .tools = std::vector<ai::anthropic_tool>{{.name = "weather",
                                                    .input_schema = std::optional(json{{"type", "object"}})}},
          .tool_choice = std::optional(json{{"type", "any"}})})) == json::parse(R"({
    "messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"system":"be brief",
    "stop_sequences":["END"],"tools":[{"name":"weather","input_schema":{"type":"object"}}],
    "tool_choice":{"type":"any"}})"));
  CHECK(json::parse(inngest::encode(ai::gemini_request{
            .contents = {{.parts = {{.text = "hi"}}, .role = "user"}},
            .system_instruction = ai::gemini_content{.parts = {{.text = "be brief"}}},
            .generation_config = ai::gemini_generation_config{.temperature = 0.5, .max_output_tokens = 3},
            .tools =
                std::vector<ai::gemini_tool>{
                    {.function_declarations = std::vector<ai::gemini_function>{{.name = "weather"}}}}})) ==
        json::parse(R"({"contents":[{"parts":[{"text":"hi"}],"role":"user"}],
    "systemInstruction":{"parts":[{"text":"be brief"}]},
    "generationConfig":{"temperature":0.5,"maxOutputTokens":3},
    "tools":[{"functionDeclarations":[{"name":"weather"}]}]})"));
  CHECK(json::parse(inngest::encode(ai::responses_request{
            .input = "hi",
            .instructions = "be brief",
            .max_output_tokens = 3,
            .tools = std::vector<ai::responses_tool>{{.type = "web_search"}, {.name = "weather"}}})) ==
        json::parse(R"({"input":"hi","instructions":"be brief","max_output_tokens":3,
    "tools":[{"type":"web_search"},{"type":"function","name":"weather"}]})"));
}

TEST_CASE("an answer's text is that of its text parts alone", "[ai]") {
  CHECK(ai::text(decode<ai::chat_answer>(R"({"choices":[{"message":{"role":"assistant","content":
      [{"type":"thinking","text":"hm"},{"type":"text","text":"a"},{"type":"text","text":"b"}]}}]})")) ==
        "ab");
  CHECK(ai::text(decode<ai::chat_answer>(R"({"choices":[{"message":{"role":"assistant","content":null}}]})"))
            .empty());
  CHECK(ai::text(decode<ai::anthropic_answer>(
            R"({"content":[{"type":"thinking","thinking":"hm","text":"x"},{"type":"text","text":"a"},
                {"type":"tool_use","id":"t","name":"f","input":{}},{"type":"text","text":"b"}]})")) == "ab");
  CHECK(ai::text(decode<ai::gemini_answer>(R"({"candidates":[{"content":{"parts":[
      {"text":"hm","thought":true},{"text":"a"},{"functionCall":{"name":"f"}},{"text":"b"}]}},
      {"content":{"parts":[{"text":"second"}]}}]})")) == "ab");
  CHECK(ai::text(decode<ai::responses_answer>(R"({"output":[{"type":"reasoning","summary":[]},
      {"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"},
      {"type":"refusal","refusal":"no"},{"type":"output_text","text":"b"}]}]})")) == "ab");
}

TEST_CASE("an answer without any text gives none", "[ai]") {
  CHECK(ai::text(ai::chat_answer{}).empty());
  CHECK(ai::text(ai::anthropic_answer{}).empty());
  CHECK(ai::text(ai::responses_answer{}).empty());
  const auto blocked =
      decode<ai::gemini_answer>(R"({"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{}})");
  CHECK(ai::text(blocked).empty());
  CHECK(blocked.prompt_feedback->at("blockReason") == "SAFETY");
  const auto cut = decode<ai::gemini_answer>(R"({"candidates":[{"finishReason":"SAFETY"}]})");
  CHECK(ai::text(cut).empty());
  CHECK(cut.candidates.at(0).finish_reason == "SAFETY");
}

TEST_CASE("the tools that a model calls are read from every format", "[ai]") {
  const auto is = [](const std::vector<ai::tool_call>& calls, std::string_view id) {
    return calls.size() == 1 && calls[0].id == id && calls[0].name == "weather" &&
           json::parse(calls[0].arguments) == json{{"city", "Bern"}};
  };
  const auto chat = decode<ai::chat_answer>(R"({"choices":[{"message":{"role":"assistant","content":null,
      "tool_calls":[{"id":"t1","type":"function","function":{"name":"weather",
      "arguments":"{\"city\":\"Bern\"}"}}]},"finish_reason":"tool_calls"}]})");
  CHECK(is(ai::tool_calls(chat), "t1"));
  CHECK(is(ai::tool_calls(decode<ai::anthropic_answer>(R"({"content":[{"type":"text","text":"a"},
      {"type":"tool_use","id":"t2","name":"weather","input":{"city":"Bern"}}]})")),
           "t2"));
  CHECK(is(ai::tool_calls(decode<ai::gemini_answer>(R"({"candidates":[{"content":{"parts":[
      {"text":"a"},{"functionCall":{"name":"weather","args":{"city":"Bern"}}}]}}]})")),
           ""));
  CHECK(is(ai::tool_calls(decode<ai::responses_answer>(R"({"output":[{"type":"reasoning"},
      {"type":"function_call","id":"i","call_id":"t3","name":"weather",
       "arguments":"{\"city\":\"Bern\"}"}]})")),
           "t3"));
  CHECK(ai::tool_calls(ai::chat_answer{}).empty());
  CHECK(ai::tool_calls(ai::gemini_answer{}).empty());
  const auto without =
      decode<ai::anthropic_answer>(R"({"content":[{"type":"tool_use","id":"t","name":"now"}]})");
  CHECK(ai::tool_calls(without).at(0).arguments == "{}");
}

TEST_CASE("a model's message can be sent back to it as it was, with what is new in it", "[ai]") {
  const std::string message =
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"t1","type":"function","function":
          {"name":"weather","arguments":"{}","new":1},"index":0}],"refusal":null,"reasoning":"hm"})";
  const auto answer = decode<ai::chat_answer>(R"({"choices":[{"message":)" + message + "}]}");
  const ai::chat_request request{.messages = {answer.choices.at(0).message}};
  json expected = json::parse(message);
  expected.erase("content");  // null and absent mean the same
  CHECK(json::parse(inngest::encode(request)).at("messages").at(0) == expected);

  const std::string blocks =
      R"([{"type":"thinking","thinking":"hm","signature":"s"},{"type":"tool_use","id":"t","name":"f","input":{}}])";
  const auto claude = decode<ai::anthropic_answer>(R"({"content":)" + blocks + "}");
  const ai::anthropic_message back{.role = "assistant", .content = json(claude.content)};
  CHECK(json::parse(inngest::encode(back)).at("content") == json::parse(blocks));
}

TEST_CASE("answers of all formats keep what they have no member for", "[ai]") {
  const auto anthropic = decode<ai::anthropic_answer>(
      R"({"id":"m","type":"message","content":[{"type":"text","text":"a","citations":[1]}],
          "stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":4,"cache":5}})");
  CHECK(anthropic.stop_reason == "end_turn");
  CHECK(anthropic.extra.at("type") == "message");
  CHECK(anthropic.content.at(0).extra.at("citations") == json{1});
  CHECK(anthropic.usage->input_tokens == 3);
  CHECK(anthropic.usage->extra.at("cache") == 5);
  const auto gemini = decode<ai::gemini_answer>(
      R"({"candidates":[{"content":{"parts":[{"text":"x","thoughtSignature":"s"}],"role":"model"},"index":0}],
          "usageMetadata":{"promptTokenCount":1,"totalTokenCount":2,"thoughtsTokenCount":1},"responseId":"r"})");
  CHECK(gemini.candidates.at(0).content.parts.at(0).extra.at("thoughtSignature") == "s");
  CHECK(gemini.candidates.at(0).extra.at("index") == 0);
  CHECK(gemini.usage_metadata->total_token_count == 2);
  CHECK(gemini.usage_metadata->extra.at("thoughtsTokenCount") == 1);
  CHECK(gemini.extra.at("responseId") == "r");
  const auto responses = decode<ai::responses_answer>(
      R"({"id":"r","object":"response","status":"completed","error":null,"output":[{"type":"message","id":"m"}],
          "usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3,"input_tokens_details":{}}})");
  CHECK(responses.status == "completed");
  CHECK(responses.usage->total_tokens == 3);
  CHECK(responses.output.at(0).extra.at("id") == "m");
  CHECK(responses.extra.at("object") == "response");
}

TEST_CASE("an answer that is an error says so to whoever asks for its text", "[ai]") {
  const auto chat = decode<ai::chat_answer>(R"({"error":{"message":"no credits left","code":402}})");
  CHECK(chat.error->at("code") == 402);
  CHECK_THROWS_AS(ai::text(chat), inngest::non_retriable_error);
  CHECK_THROWS_WITH(ai::text(chat), ContainsSubstring("no credits left"));
  CHECK_THROWS_WITH(ai::text(decode<ai::anthropic_answer>(
                        R"({"type":"error","error":{"type":"overloaded_error","message":"busy"}})")),
                    ContainsSubstring("busy"));
  CHECK_THROWS_WITH(ai::text(decode<ai::gemini_answer>(R"({"error":{"code":400,"message":"bad key"}})")),
                    ContainsSubstring("bad key"));
  CHECK_THROWS_WITH(ai::text(decode<ai::responses_answer>(R"({"error":"odd","output":[]})")),
                    Catch::Matchers::EndsWith("error: odd"));
  CHECK_THROWS_WITH(ai::text(decode<ai::chat_answer>(R"({"error":{"code":7}})")),
                    ContainsSubstring(R"({"code":7})"));
  CHECK(ai::text(decode<ai::responses_answer>(R"({"error":null,"output":[]})")).empty());
}

TEST_CASE("a model without a key fails the run with words that say which key", "[ai]") {
  const with_variable variable("OPENAI_API_KEY", nullptr);
  auto f = made([](auto& ctx) { ctx.step.ai.infer("think", ai::openai{.model = "gpt-4o"}, json::object()); });
  run_driver run(f);
  CHECK_THAT(run.discover().text, ContainsSubstring("gpt-4o") && ContainsSubstring("OPENAI_API_KEY"));
}
