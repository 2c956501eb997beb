//! Names in Rust for names in SQL, by the rules of `diesel print-schema`.

/// Names that `table!` gives to its own items, so that a column or a table cannot have them. `print-schema` renames the
/// first three; the other two would not compile.
const TAKEN: [&str; 5] = ["table", "columns", "is_nullable", "star", "all_columns"];

/// Returns the name in Rust for a name in SQL; a column must not have the name of its `table`.
pub(crate) fn rust_name(sql_name: &str, table: Option<&str>) -> String {
    let mut name = to_identifier(sql_name);
    if is_unusable(&name) || table == Some(name.as_str()) {
        name.push('_');
    }
    name
}

/// Returns a name that is not in `taken`: different names in SQL may become the same in Rust.
pub(crate) fn unique<'a>(
    mut name: String,
    taken: &(impl Iterator<Item = &'a str> + Clone),
) -> String {
    while taken.clone().any(|other| other == name) {
        name.push('_');
    }
    name
}

/// Replaces each run of characters that Diesel keeps out of names by one `_`, and puts one before a digit.
fn to_identifier(sql_name: &str) -> String {
    let mut name = String::with_capacity(sql_name.len() + 1);
    let mut in_gap = false;
    if sql_name.starts_with(|c: char| c.is_ascii_digit()) {
        name.push('_');
        in_gap = true;
    }
    for c in sql_name.chars() {
        let is_kept = c.is_ascii_alphanumeric() || c == '_';
        if is_kept {
            name.push(c);
        } else if !in_gap {
            name.push('_');
        }
        in_gap = !is_kept;
    }
    name
}

/// Says whether a name needs a `_` at its end: a keyword, a name that is taken, or one that looks internal.
fn is_unusable(name: &str) -> bool {
    syn::parse_str::<syn::Ident>(name).is_err()
        || TAKEN.contains(&name)
        || name.starts_with("__") && !name.ends_with('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_those_of_print_schema() {
        let cases = [
            ("author", "author"),
            ("type", "type_"),
            ("Self", "Self_"),
            ("is_nullable", "is_nullable_"),
            ("with space", "with_space"),
            ("a--b", "a_b"),
            ("größe", "gr_e"),
            ("1st", "_1st"),
            ("__x", "__x_"),
            ("ä", "__"),
            ("star", "star_"),
            ("messages", "messages_"),
        ];
        for (sql, rust) in cases {
            assert_eq!(rust_name(sql, Some("messages")), rust, "{sql}");
        }
    }

    #[test]
    fn equal_names_become_different() {
        assert_eq!(
            unique("a_b".to_owned(), &["a_b", "a_b_"].into_iter()),
            "a_b__"
        );
    }
}
