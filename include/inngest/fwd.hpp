#pragma once

// Names only, for headers that mention the library's types without using them: no JSON, no HTTP.

namespace inngest {

class error;
class logger;
class client;
class settings;
struct client_options;
struct function_options;
class any_function;
class any_event;
class handler;
struct serve_options;
class step;
class group;
class step_id;
struct step_options;

namespace http {
class headers;
struct request;
struct response;
class transport;
}  // namespace http

}  // namespace inngest
