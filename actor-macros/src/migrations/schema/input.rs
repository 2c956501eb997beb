//! What is written in `schema!`.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Attribute, Ident, LitStr, Path, Token, TypePath, Visibility, braced, parenthesized};

/// `pub mod schema = "migrations/chat_room" { … }`.
pub(crate) struct SchemaInput {
    /// The path of `actor_core`, if the call comes through its `schema!`.
    pub(crate) runtime: Option<Path>,
    /// Attributes of the module.
    pub(crate) attrs: Vec<Attribute>,
    /// The module's visibility.
    pub(crate) vis: Visibility,
    /// The module's name.
    pub(crate) name: Ident,
    /// The directory of the migrations.
    pub(crate) dir: LitStr,
    /// The version whose tables are wanted, if not the newest.
    pub(crate) at: Option<LitStr>,
    /// What is written in the block.
    pub(crate) overrides: Vec<Override>,
}

/// One entry of the block.
pub(crate) enum Override {
    /// `messages.sent_at: TimestamptzSqlite`: the type of a column.
    Type {
        /// The table or view.
        table: Ident,
        /// The column.
        column: Ident,
        /// The type, one of `diesel::sql_types` or a path.
        ty: TypePath,
    },
    /// `recent: (room, id)`: the key of a view.
    Key {
        /// The view.
        view: Ident,
        /// The columns that tell its rows apart.
        columns: Vec<Ident>,
    },
}

impl Override {
    /// The place of the name that the entry begins with.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Type { table, column, .. } => table
                .span()
                .join(column.span())
                .unwrap_or_else(|| table.span()),
            Self::Key { view, .. } => view.span(),
        }
    }
}

impl Parse for SchemaInput {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let runtime = parse_runtime(input)?;
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        input
            .parse::<Token![mod]>()
            .map_err(|error| explain(&error))?;
        let name = input.parse()?;
        input
            .parse::<Token![=]>()
            .map_err(|error| explain(&error))?;
        let dir = input.parse::<LitStr>().map_err(|error| explain(&error))?;
        let at = parse_at(input)?;
        let mut overrides = Vec::new();
        if input.peek(syn::token::Brace) {
            let block;
            braced!(block in input);
            overrides = Punctuated::<Override, Token![,]>::parse_terminated(&block)?
                .into_iter()
                .collect();
            input.parse::<Option<Token![;]>>()?;
        } else {
            input.parse::<Token![;]>()?;
        }
        if !input.is_empty() {
            return Err(explain(&input.error("unexpected token")));
        }
        Ok(Self {
            runtime,
            attrs,
            vis,
            name,
            dir,
            at,
            overrides,
        })
    }
}

/// Reads the `crate = path;` that `actor_core::schema!` puts in front.
fn parse_runtime(input: ParseStream<'_>) -> syn::Result<Option<Path>> {
    if !(input.peek(Token![crate]) && input.peek2(Token![=])) {
        return Ok(None);
    }
    input.parse::<Token![crate]>()?;
    input.parse::<Token![=]>()?;
    let path = Path::parse_mod_style(input)?;
    input.parse::<Token![;]>()?;
    Ok(Some(path))
}

/// Reads `at "version"`, if it is there.
fn parse_at(input: ParseStream<'_>) -> syn::Result<Option<LitStr>> {
    if !input.peek(Ident) {
        return Ok(None);
    }
    let word: Ident = input.parse()?;
    if word != "at" {
        return Err(explain(&syn::Error::new(word.span(), "unexpected word")));
    }
    let version = input.parse::<LitStr>().map_err(|error| {
        let help = "write the version as text, for instance `at \"2026-01-02-000002\"`";
        syn::Error::new(error.span(), format!("{error}\nhelp: {help}"))
    });
    version.map(Some)
}

/// Says what `schema!` expects.
fn explain(error: &syn::Error) -> syn::Error {
    let help = "write `pub mod schema = \"migrations/chat_room\";`, or a block with types of columns in place of the `;`";
    syn::Error::new(error.span(), format!("{error}\nhelp: {help}"))
}

impl Parse for Override {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let table: Ident = input.call(parse_name)?;
        if input.peek(Token![.]) {
            input.parse::<Token![.]>()?;
            let column = input.call(parse_name)?;
            input
                .parse::<Token![:]>()
                .map_err(|error| explain_entry(&error))?;
            let ty: TypePath = input.parse()?;
            if ty.qself.is_some() {
                return Err(syn::Error::new(
                    ty.span(),
                    "a type of `diesel::sql_types`, or a path to a SQL type, is expected here",
                ));
            }
            return Ok(Self::Type { table, column, ty });
        }
        input
            .parse::<Token![:]>()
            .map_err(|error| explain_entry(&error))?;
        if !input.peek(syn::token::Paren) {
            return Err(explain_entry(
                &input.error("expected the key of a view in parentheses"),
            ));
        }
        let names;
        parenthesized!(names in input);
        let columns = names.parse_terminated(parse_name, Token![,])?;
        Ok(Self::Key {
            view: table,
            columns: columns.into_iter().collect(),
        })
    }
}

/// Parses a name of SQL, which may be a keyword of Rust.
fn parse_name(input: ParseStream<'_>) -> syn::Result<Ident> {
    use syn::ext::IdentExt as _;
    input.call(Ident::parse_any)
}

/// Says what an entry of the block looks like.
fn explain_entry(error: &syn::Error) -> syn::Error {
    let help = "write `table.column: SqlType` for the type of a column, or `view: (column)` for the key of a view";
    syn::Error::new(error.span(), format!("{error}\nhelp: {help}"))
}
