// Code of docs/transactions.md, with Qt SQL.

#include <QSqlDatabase>
#include <QSqlError>
#include <QSqlQuery>
#include <QSqlRecord>
#include <QString>
#include <QVariant>

#include <cstdint>
#include <string>
#include <variant>

#include <inngest/inngest.hpp>
#include <inngest/sql_outbox.hpp>

// [driver]
template <>
struct inngest::sql_driver<QSqlDatabase> {
  static const inngest::sql_dialect& dialect() { return inngest::sqlite_dialect(); }

  static inngest::sql_rows execute(QSqlDatabase& db, const inngest::sql_statement& statement) {
    QSqlQuery query(db);
    bool done = query.prepare(QString::fromStdString(statement.text_with([](std::size_t) { return "?"; })));
    for (const auto& value : statement.values) {
      const auto* number = std::get_if<std::int64_t>(&value);
      const auto* text = std::get_if<std::string>(&value);
      query.addBindValue(number ? QVariant(qlonglong(*number)) : text ? QVariant(QString::fromStdString(*text)) : QVariant());
    }
    if (!done || !query.exec()) throw inngest::sql_error(query.lastError().text().toStdString());
    inngest::sql_rows rows;
    while (query.next()) {
      auto& row = rows.emplace_back();
      for (int at = 0; at < query.record().count(); ++at) {
        row.emplace_back();
        if (!query.isNull(at)) row.back() = query.value(at).toString().toStdString();
      }
    }
    return rows;
  }
};
// [driver]

namespace docs::qt_sql {

struct Order { std::string id; };
INNGEST_FIELDS(Order, id)

void place(QSqlDatabase& db, const inngest::sql_outbox& outbox) {
  outbox.add(db, inngest::event<"shop/order.placed", Order>{{.id = "o-1"}});
}

}  // namespace docs::qt_sql
