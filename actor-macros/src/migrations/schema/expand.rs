//! Writes a schema as Diesel's `table!`, `joinable!` and `allow_tables_to_appear_in_same_query!`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{Ident, Path, TypePath};

use crate::suggest;

use super::{Column, Override, Schema, SchemaInput, Table, TableKind};

/// Writes the module; also returns what is wrong with the overrides, and with the tables that are left out.
///
/// `schema` may be that of a broken directory: the module is written in any case, so that the rest of the program is
/// checked against the tables that are known.
pub(crate) fn expand_schema(
    input: &SchemaInput,
    schema: &Schema,
) -> (TokenStream, Vec<syn::Error>) {
    let mut errors: Vec<_> = input
        .overrides
        .iter()
        .filter_map(|entry| check_override(entry, schema))
        .collect();
    errors.extend(duplicates(&input.overrides));
    let overrides = input.overrides.as_slice();
    let (mut tables, mut usable) = (Vec::new(), Vec::new());
    for table in &schema.tables {
        match expand_table(table, overrides) {
            Ok(tokens) => {
                tables.push(tokens);
                tables.extend(shape(table, input.runtime.as_ref()));
                usable.push(table.sql_name.as_str());
            }
            Err(problems) => {
                errors.extend(
                    problems
                        .into_iter()
                        .map(|problem| syn::Error::new(input.dir.span(), problem)),
                );
            }
        }
    }
    let links = expand_links(schema, &usable);
    let SchemaInput {
        attrs,
        vis,
        name,
        dir,
        at,
        ..
    } = input;
    let docs = attrs
        .iter()
        .all(|attr| !attr.path().is_ident("doc"))
        .then(|| {
            let at = at.as_ref().map(|at| format!(" at version {}", at.value()));
            let docs = format!(
                " The tables of `{}`{}, read from its migrations.",
                dir.value(),
                at.unwrap_or_default()
            );
            quote!(#[doc = #docs])
        });
    let module = quote! {
        #docs
        #(#attrs)*
        #vis mod #name {
            #(#tables)*
            #links
        }
    };
    (module, errors)
}

/// Says which shape a table has, for the steps that mention it.
fn shape(table: &Table, runtime: Option<&Path>) -> Option<TokenStream> {
    let (runtime, name, shape) = (runtime?, ident(&table.rust_name), table.shape());
    let private = quote!(#runtime::__private);
    Some(quote! {
        impl #private::InSchema for #name::table {
            type Shape = #private::Shape<#shape>;
        }
        impl #private::InSchema for #name::star {
            type Shape = #private::Shape<#shape>;
        }
    })
}

/// Writes what lets the `usable` tables, named in SQL, appear in one query.
fn expand_links(schema: &Schema, usable: &[&str]) -> TokenStream {
    let is_usable = |table: &Table| usable.contains(&table.sql_name.as_str());
    let joins = schema
        .joins()
        .into_iter()
        .filter_map(|(child, column, parent)| {
            let is_known = is_usable(child) && is_usable(parent);
            let [child, column, parent] =
                [&child.rust_name, &column.rust_name, &parent.rust_name].map(|name| ident(name));
            is_known.then(|| quote!(::diesel::joinable!(#child -> #parent (#column));))
        });
    let tables = schema.tables.iter().filter(|table| is_usable(table));
    let names: Vec<_> = tables.map(|table| ident(&table.rust_name)).collect();
    let together = (names.len() > 1)
        .then(|| quote!(::diesel::allow_tables_to_appear_in_same_query!(#(#names),*);));
    quote!(#(#joins)* #together)
}

/// Writes one `table!`, or says why it cannot be written.
fn expand_table(table: &Table, overrides: &[Override]) -> Result<TokenStream, Vec<String>> {
    let mut problems = Vec::new();
    let key = primary_key(table, overrides);
    if key.is_empty() {
        problems.push(missing_key(table));
    }
    let mut columns = Vec::new();
    for column in &table.columns {
        match column_type(table, column, overrides) {
            Ok(ty) => {
                let docs = docs(&column.docs, || column_docs(column));
                let sql_name = sql_name(&column.sql_name, &column.rust_name);
                let name = ident(&column.rust_name);
                columns.push(quote!(#docs #sql_name #name -> #ty,));
            }
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let docs = docs(&table.docs, || {
        format!("The {} `{}`.", kind_word(table.kind), table.sql_name)
    });
    let sql_name = sql_name(&table.sql_name, &table.rust_name);
    let name = ident(&table.rust_name);
    Ok(quote!(
        ::diesel::table! { #docs #sql_name #name (#(#key),*) { #(#columns)* } }
    ))
}

/// Returns the columns of the key that Diesel is given.
fn primary_key(table: &Table, overrides: &[Override]) -> Vec<Ident> {
    let chosen = overrides.iter().find_map(|entry| match entry {
        Override::Key { view, columns } if is_named(view, &table.sql_name, &table.rust_name) => {
            Some(columns)
        }
        _ => None,
    });
    let is_key = |column: &&Column| match chosen {
        Some(chosen) => chosen
            .iter()
            .any(|name| is_named(name, &column.sql_name, &column.rust_name)),
        None => table.primary_key.contains(&column.sql_name),
    };
    let key: Vec<_> = table
        .columns
        .iter()
        .filter(is_key)
        .map(|column| ident(&column.rust_name))
        .collect();
    if key.is_empty() && table.kind == TableKind::View {
        let id = table.columns.iter().find(|column| column.rust_name == "id");
        return id
            .or(table.columns.first())
            .map(|column| ident(&column.rust_name))
            .into_iter()
            .collect();
    }
    key
}

/// Returns Diesel's type of a column, or says why there is none.
fn column_type(
    table: &Table,
    column: &Column,
    overrides: &[Override],
) -> Result<TokenStream, String> {
    let chosen = chosen_type(
        overrides,
        (&table.sql_name, &table.rust_name),
        (&column.sql_name, &column.rust_name),
    );
    if let (None, Some((of_table, of_column))) = (chosen, &column.origin)
        && let Some(ty) = chosen_type(overrides, (of_table, of_table), (of_column, of_column))
    {
        // It holds the same values, so what is said of that column holds here.
        return Ok(if column.is_nullable && !is_nullable_type(ty) {
            quote!(Nullable<#ty>)
        } else {
            quote!(#ty)
        });
    }
    match (chosen, column.diesel_type) {
        // Whether a view's column can be `NULL` is known to its author only.
        (Some(ty), _)
            if table.kind == TableKind::View || is_nullable_type(ty) || column.is_row_id =>
        {
            Ok(quote!(#ty))
        }
        (Some(ty), _) if column.is_nullable => Ok(quote!(Nullable<#ty>)),
        (Some(ty), _) => Ok(quote!(#ty)),
        (None, Some(known)) => {
            let ty = ident(known);
            Ok(if column.is_nullable {
                quote!(Nullable<#ty>)
            } else {
                quote!(#ty)
            })
        }
        (None, None) => Err(missing_type(table, column)),
    }
}

/// Finds the type that is written for a column; table and column are each given by the names in SQL and in Rust.
fn chosen_type<'o>(
    overrides: &'o [Override],
    (table, rust_table): (&str, &str),
    (column, rust_column): (&str, &str),
) -> Option<&'o TypePath> {
    overrides.iter().find_map(|entry| match entry {
        Override::Type {
            table: name,
            column: of,
            ty,
        } if is_named(name, table, rust_table) && is_named(of, column, rust_column) => Some(ty),
        _ => None,
    })
}

/// Says whether a type is written as `Nullable<…>`.
fn is_nullable_type(ty: &TypePath) -> bool {
    ty.path
        .segments
        .last()
        .is_some_and(|last| last.ident == "Nullable")
}

/// Writes the problem of a table that Diesel cannot tell the rows of apart.
fn missing_key(table: &Table) -> String {
    format!(
        "the table `{}` has no primary key, which Diesel needs\nhelp: declare one in a migration, for instance \
         `id INTEGER PRIMARY KEY NOT NULL`; the implicit `rowid` can change when a database is packed",
        table.sql_name
    )
}

/// Writes the problem of a column whose type is not known.
fn missing_type(table: &Table, column: &Column) -> String {
    let (table_name, column_name) = (&table.rust_name, &column.rust_name);
    let headline = if table.kind == TableKind::View
        && matches!(column.declared.as_str(), "" | "NUM")
    {
        format!(
            "the column `{}` of the view `{}` is an expression, whose type SQLite does not know",
            column.sql_name, table.sql_name
        )
    } else {
        format!(
            "the column `{}` of `{}` has the type `{}`, which Diesel does not know",
            column.sql_name, table.sql_name, column.declared
        )
    };
    format!(
        "{headline}\nhelp: write the type into the block of `schema!`, for instance `{table_name}.{column_name}: Text`"
    )
}

/// Writes comments as documentation, or a default that names the thing.
fn docs(lines: &[String], default: impl FnOnce() -> String) -> TokenStream {
    let lines = if lines.is_empty() {
        vec![default()]
    } else {
        lines.to_vec()
    };
    let lines = lines.into_iter().map(|line| {
        if line.is_empty() {
            line
        } else {
            format!(" {line}")
        }
    });
    quote!(#(#[doc = #lines])*)
}

/// The documentation of a column that has no comment.
fn column_docs(column: &Column) -> String {
    if column.declared.is_empty() {
        format!("The column `{}`.", column.sql_name)
    } else {
        format!(
            "The column `{}`, declared as `{}`.",
            column.sql_name, column.declared
        )
    }
}

/// Writes the name in SQL where it is not the one in Rust.
fn sql_name(sql_name: &str, rust_name: &str) -> Option<TokenStream> {
    (sql_name != rust_name).then(|| quote!(#[sql_name = #sql_name]))
}

/// What a table is called in messages and documentation.
fn kind_word(kind: TableKind) -> &'static str {
    match kind {
        TableKind::View => "view",
        TableKind::Stored | TableKind::FullText | TableKind::Virtual => "table",
    }
}

/// Makes an identifier of a name that is known to be one.
fn ident(name: &str) -> Ident {
    // `names` gives only usable names; a raw one is the way out if this compiler has a keyword that `syn` lacks.
    syn::parse_str(name).unwrap_or_else(|_| format_ident!("r#{name}", span = Span::call_site()))
}

/// Says whether `written` means the thing with these names.
fn is_named(written: &Ident, sql_name: &str, rust_name: &str) -> bool {
    let written = written.unraw().to_string();
    written == rust_name || written.eq_ignore_ascii_case(sql_name)
}

/// Checks that an override names something that exists.
fn check_override(entry: &Override, schema: &Schema) -> Option<syn::Error> {
    let (Override::Type { table: written, .. } | Override::Key { view: written, .. }) = entry;
    let Some(table) = schema
        .tables
        .iter()
        .find(|table| is_named(written, &table.sql_name, &table.rust_name))
    else {
        let names: Vec<_> = schema
            .tables
            .iter()
            .map(|table| table.rust_name.as_str())
            .collect();
        return Some(unknown("table or view", written, &names, ""));
    };
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|column| column.rust_name.as_str())
        .collect();
    let place = format!(" in `{}`", table.sql_name);
    let unknown_column = |written: &Ident| {
        let is_known = table
            .columns
            .iter()
            .any(|column| is_named(written, &column.sql_name, &column.rust_name));
        (!is_known).then(|| unknown("column", written, &columns, &place))
    };
    match entry {
        Override::Type { column, .. } => unknown_column(column),
        Override::Key { view, .. } if table.kind != TableKind::View => {
            let headline = format!(
                "`{}` is a table, whose key the migrations declare",
                table.sql_name
            );
            Some(syn::Error::new(
                view.span(),
                format!("{headline}\nhelp: remove this line; only a view needs one"),
            ))
        }
        Override::Key { view, columns } if columns.is_empty() => Some(syn::Error::new(
            view.span(),
            "the key of a view needs at least one column",
        )),
        Override::Key { columns, .. } => columns.iter().find_map(unknown_column),
    }
}

/// Finds overrides that are given twice.
fn duplicates(overrides: &[Override]) -> Vec<syn::Error> {
    let name = |entry: &Override| match entry {
        Override::Type { table, column, .. } => format!("{table}.{column}"),
        Override::Key { view, .. } => view.to_string(),
    };
    let mut seen = Vec::new();
    let mut errors = Vec::new();
    for entry in overrides {
        let name = name(entry);
        if seen.contains(&name) {
            errors.push(syn::Error::new(
                entry.span(),
                format!("`{name}` is given twice"),
            ));
        }
        seen.push(name);
    }
    errors
}

/// Writes the problem of a name that does not exist.
fn unknown(what: &str, written: &Ident, known: &[&str], place: &str) -> syn::Error {
    let headline = format!("there is no {what} `{written}`{place}");
    let help = match suggest::nearest(&written.unraw().to_string(), known) {
        Some(name) => format!("did you mean `{name}`?"),
        None if known.is_empty() => "the migrations create none".to_owned(),
        None => format!("there are {}", suggest::list(known)),
    };
    syn::Error::new(written.span(), format!("{headline}\nhelp: {help}"))
}
