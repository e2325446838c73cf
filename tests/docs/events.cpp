// Code of docs/events.md.

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <inngest/inngest.hpp>

namespace docs::events {

extern const inngest::client app;

// [event]
struct BrandAsset { std::string workspace_id, asset_id, url, filename; };
INNGEST_CAMEL_FIELDS(BrandAsset, workspace_id, asset_id, url, filename)

using BrandIngested = inngest::event<"brand.knowledge.ingested", BrandAsset>;

const auto sent =
    app.send(BrandIngested{{.workspace_id = "w1", .asset_id = "a1", .url = "https://example.com/a.png"}});
// [event]

// [fields]
enum class Executor { native, python_e2b };
INNGEST_ENUM(Executor, {Executor::native, "native"}, {Executor::python_e2b, "python-e2b"})

struct Node {
  std::string id;
  std::optional<Executor> executor;
  std::vector<std::string> tags;  // may be missing, because of INNGEST_DEFAULTS
  inngest::extra_fields rest;     // all other fields, which are written back
};
INNGEST_FIELDS(Node, id, executor, tags, rest)
INNGEST_DEFAULTS(Node, tags)
// [fields]

// [names]
struct Upload { std::string upload_id, media_type; std::vector<std::byte> content; };
INNGEST_CAMEL_FIELDS(Upload, upload_id, (media_type, "Content-Type"), (content, inngest::as_base64))
// {"uploadId":"u1","Content-Type":"image/png","content":"iVBORw=="}
// [names]

struct Card { std::string number; };
INNGEST_FIELDS(Card, number)
struct Transfer { std::string iban; };
INNGEST_FIELDS(Transfer, iban)
struct Box { int width = 0, height = 0; };
INNGEST_FIELDS(Box, width, height)
struct Square { int width = 0; };
INNGEST_FIELDS(Square, width)

// [variants]
using Payment = std::variant<Card, Transfer>;
INNGEST_VARIANT(Payment, "method", "card", "transfer")  // {"method":"card","number":"4242"}

using Figure = std::variant<Box, Square>;
INNGEST_VARIANT_BY_SHAPE(Figure)  // the first alternative that fits
// [variants]

// [validate]
void validate(const BrandAsset& asset) {
  if (!asset.url.starts_with("https://")) throw inngest::payload_error("url", "expected an https URL");
}
// [validate]

using PaymentMade = inngest::event<"payment/made", Payment>;
using NodeAdded = inngest::event<"node/added", Node>;
const auto others = app.send({PaymentMade{Card{"4242"}}, NodeAdded{{.id = "n1"}}});
const std::string figure = inngest::encode(Figure{Square{2}}), upload = inngest::encode(Upload{});

}  // namespace docs::events
