//! Columns that hold another column's values: those of a view, and those that refer to the id of a
//! row.

use super::{Schema, Table, TableKind};
use crate::sqlite::{Connection, SqlError};

/// Notes for the columns of a view from which column of a table they are taken as they are.
pub(super) fn of_view(connection: &Connection, table: &mut Table) -> Result<(), SqlError> {
    let quoted = table.sql_name.replace('"', "\"\"");
    let (Some(statement), _) = connection.prepare(&format!("SELECT * FROM \"{quoted}\""))? else {
        return Ok(());
    };
    for (column, index) in table.columns.iter_mut().zip(0..) {
        column.origin = statement.origin(index);
    }
    Ok(())
}

/// Gives each column that holds another one's values the type of that one.
pub(super) fn follow(schema: &mut Schema) {
    for (table, column, origin) in references(schema) {
        let column = &mut schema.tables[table].columns[column];
        column.diesel_type = Some("BigInt");
        column.origin = Some(origin);
    }
    let types: Vec<_> = schema
        .tables
        .iter()
        .flat_map(|table| {
            let columns = table.columns.iter();
            columns.map(|column| {
                (
                    table.sql_name.clone(),
                    column.sql_name.clone(),
                    column.diesel_type,
                )
            })
        })
        .collect();
    let views = schema
        .tables
        .iter_mut()
        .filter(|table| table.kind == TableKind::View);
    for column in views.flat_map(|view| &mut view.columns) {
        let Some((of_table, of_column)) = &column.origin else {
            continue;
        };
        let found = types
            .iter()
            .find(|(table, name, _)| table == of_table && name == of_column);
        column.diesel_type = found.and_then(|(.., ty)| *ty).or(column.diesel_type);
    }
}

/// The integers that refer to the id of a row, which has 64 bits: their places, and the columns
/// that they refer to.
fn references(schema: &Schema) -> Vec<(usize, usize, (String, String))> {
    let mut found = Vec::new();
    for (index, table) in schema.tables.iter().enumerate() {
        for key in &table.foreign_keys {
            let parent = schema.find(&key.parent).and_then(|parent| {
                let id = parent.columns.iter().find(|column| column.is_row_id)?;
                let named = key.parent_column.as_ref();
                let is_id = named.is_none_or(|named| named.eq_ignore_ascii_case(&id.sql_name));
                is_id.then(|| (parent.sql_name.clone(), id.sql_name.clone()))
            });
            let column = table.columns.iter().position(|column| {
                column.sql_name.eq_ignore_ascii_case(&key.column)
                    && column.diesel_type == Some("Integer")
            });
            if let (Some(parent), Some(column)) = (parent, column) {
                found.push((index, column, parent));
            }
        }
    }
    found
}
