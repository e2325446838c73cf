// Code of docs/sending.md.

#include <string>

#include <inngest/inngest.hpp>

#include "docs/studio.hpp"

namespace docs::sending {

struct Question { std::string text; };
INNGEST_FIELDS(Question, text)
using Asked = inngest::event<"chat/asked", Question>;

void send() {
  // [send]
  inngest::client app{{.id = "studio-233"}};

  app.send(BrandIngested{{.workspace_id = "w1"}});                 // one event
  app.send({BrandIngested{{.workspace_id = "w1"}},
            SyncRequested{{.workspace_id = "w1"}}});               // several events of any types, in one request
  // [send]

  // [sessions]
  app.send(Asked{.data = {.text = "Why?"}, .meta = {.sessions = {{"conversation", "c1"}, {"user", "u7"}}}});
  // [sessions]
}

}  // namespace docs::sending
