//! Reads tables, columns and keys from the database that the migrations left.

use std::collections::HashMap;

use super::super::directory::Migration;
use super::super::{lexer, rules};
use super::{Column, ForeignKey, Schema, Table, TableKind, docs, names, origins, types};
use crate::sqlite::{Connection, SqlError};

/// Reads the schema of `connection`; `migrations` are the ones that made it, for their comments.
pub(crate) fn read(connection: &Connection, migrations: &[Migration]) -> Result<Schema, SqlError> {
    let sql = "SELECT s.name, l.type, coalesce(s.sql, '') FROM sqlite_schema s
               JOIN pragma_table_list l ON l.schema = 'main' AND l.name = s.name
               WHERE s.type IN ('table', 'view') AND l.type <> 'shadow' ORDER BY s.name";
    let docs = docs::table_docs(migrations);
    let mut schema = Schema::default();
    for row in connection.rows(sql, &[])? {
        let [name, kind, create] = cells(row);
        // Two underscores mark tables of tools, which `print-schema` leaves out as well.
        if rules::is_reserved(&name)
            || name.starts_with("__")
            || name.to_lowercase().starts_with("sqlite_")
        {
            continue;
        }
        let rust_name = names::rust_name(&name, None);
        let rust_name = names::unique(
            rust_name,
            &schema.tables.iter().map(|table| table.rust_name.as_str()),
        );
        let mut table = Table {
            kind: table_kind(&kind, &create),
            docs: docs.get(&name.to_lowercase()).cloned().unwrap_or_default(),
            sql_name: name,
            rust_name,
            columns: Vec::new(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
        };
        read_columns(connection, &mut table, &create)?;
        read_foreign_keys(connection, &mut table)?;
        schema.tables.push(table);
    }
    origins::follow(&mut schema);
    Ok(schema)
}

/// Turns a row into as many texts as its query selects.
fn cells<const N: usize>(row: Vec<Option<String>>) -> [String; N] {
    let mut cells = row.into_iter().map(Option::unwrap_or_default);
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

/// Says what holds the rows.
fn table_kind(kind: &str, create: &str) -> TableKind {
    match kind {
        "view" => TableKind::View,
        "virtual" => {
            let mut words = lexer::tokens(create)
                .filter(lexer::Token::is_code)
                .skip_while(|word| !word.is_word("USING"));
            let module = words
                .nth(1)
                .and_then(|word| word.name())
                .unwrap_or_default()
                .to_lowercase();
            let is_full_text = matches!(module.as_str(), "fts3" | "fts4" | "fts5");
            if is_full_text {
                TableKind::FullText
            } else {
                TableKind::Virtual
            }
        }
        _ => TableKind::Stored,
    }
}

/// Reads the columns and the primary key.
fn read_columns(connection: &Connection, table: &mut Table, create: &str) -> Result<(), SqlError> {
    let (table_docs, mut column_docs) = match table.kind {
        TableKind::Stored => docs::column_docs(create),
        _ => (Vec::new(), HashMap::new()),
    };
    if table.docs.is_empty() {
        table.docs = table_docs;
    }
    let sql = "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1) ORDER BY cid";
    for row in connection.rows(sql, &[&table.sql_name])? {
        let [name, declared, not_null, key, hidden] = cells(row);
        if key != "0" {
            table.primary_key.push(name.clone());
        }
        let rust_name = names::rust_name(&name, Some(&table.rust_name));
        table.columns.push(Column {
            rust_name: names::unique(
                rust_name,
                &table.columns.iter().map(|column| column.rust_name.as_str()),
            ),
            docs: column_docs.remove(&name.to_lowercase()).unwrap_or_default(),
            diesel_type: column_type(table.kind, &name, &declared, hidden == "1"),
            is_nullable: not_null == "0",
            is_row_id: false,
            origin: None,
            sql_name: name,
            declared,
        });
    }
    match table.kind {
        TableKind::Stored => mark_row_id(connection, table)?,
        TableKind::FullText | TableKind::Virtual => add_row_id(table),
        TableKind::View => origins::of_view(connection, table)?,
    }
    Ok(())
}

/// Returns Diesel's type of a column.
fn column_type(
    kind: TableKind,
    name: &str,
    declared: &str,
    is_hidden: bool,
) -> Option<&'static str> {
    match kind {
        TableKind::FullText if is_hidden && name.eq_ignore_ascii_case("rank") => Some("Double"),
        TableKind::FullText if is_hidden && name.eq_ignore_ascii_case("docid") => Some("BigInt"),
        TableKind::FullText => Some("Text"),
        // SQLite knows no type for most expressions, and a guess would fail only when a row is read.
        TableKind::View if declared.is_empty() => None,
        TableKind::View => view_type(declared),
        TableKind::Stored | TableKind::Virtual => types::diesel_type(declared),
    }
}

/// Returns Diesel's type of a view's column, for which SQLite may report the affinity of an expression.
fn view_type(declared: &str) -> Option<&'static str> {
    match declared {
        // It may be an integer or a floating-point number, depending on the row.
        "NUM" => None,
        _ => types::diesel_type(declared),
    }
}

/// Marks the column that is another name of the row's id, which has 64 bits whatever was declared: the only column of a key
/// that needs no index of its own. Declarations do not tell: `INTEGER PRIMARY KEY DESC`, for instance, is none.
fn mark_row_id(connection: &Connection, table: &mut Table) -> Result<(), SqlError> {
    let [key] = table.primary_key.as_slice() else {
        return Ok(());
    };
    let sql = "SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk'";
    let has_index = !connection.rows(sql, &[&table.sql_name])?.is_empty();
    for column in table
        .columns
        .iter_mut()
        .filter(|column| &column.sql_name == key && !has_index)
    {
        column.is_row_id = true;
        column.diesel_type = Some("BigInt");
    }
    Ok(())
}

/// Gives a virtual table the row's id as its primary key, unless it declares one: there it is stable.
fn add_row_id(table: &mut Table) {
    const NAME: &str = "rowid";
    if !table.primary_key.is_empty() || table.columns.iter().any(|column| column.sql_name == NAME) {
        return;
    }
    table.primary_key.push(NAME.to_owned());
    let column = Column {
        sql_name: NAME.to_owned(),
        rust_name: NAME.to_owned(),
        declared: "INTEGER".to_owned(),
        diesel_type: Some("BigInt"),
        is_nullable: false,
        is_row_id: true,
        origin: None,
        docs: Vec::new(),
    };
    table.columns.insert(0, column);
}

/// Reads the foreign keys.
fn read_foreign_keys(connection: &Connection, table: &mut Table) -> Result<(), SqlError> {
    let sql =
        "SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?1) ORDER BY id, seq";
    for row in connection.rows(sql, &[&table.sql_name])? {
        let [column, parent, to] = cells(row);
        table.foreign_keys.push(ForeignKey {
            column,
            parent,
            parent_column: Some(to).filter(|to| !to.is_empty()),
        });
    }
    Ok(())
}
