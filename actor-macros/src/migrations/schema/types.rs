//! Diesel's type of a column, by the rules of `diesel print-schema` for SQLite.

/// Returns Diesel's name of the type that was declared as `declared`, or `None` where Diesel has none.
///
/// A rule that stands earlier wins: `tinyint` is a boolean before it is an integer.
pub(crate) fn diesel_type(declared: &str) -> Option<&'static str> {
    let name = declared.to_lowercase();
    let has = |part: &str| name.contains(part);
    // A generated column without a type is reported with these words as its type by some versions of SQLite.
    if name.is_empty() || name == "generated always" {
        return Some("Binary");
    }
    let found = if name == "bool" || name == "boolean" || has("tiny") && has("int") {
        "Bool"
    } else if name == "int2" || has("small") && has("int") {
        "SmallInt"
    } else if name == "int8" || has("big") && has("int") {
        "BigInt"
    } else if has("int") {
        "Integer"
    } else if has("char") || has("clob") || has("text") {
        "Text"
    } else if has("blob") || has("binary") {
        "Binary"
    } else if has("float") || has("real") {
        "Float"
    } else if has("double") || has("num") || has("dec") {
        "Double"
    } else {
        match name.as_str() {
            "datetime" | "timestamp" => "Timestamp",
            "date" => "Date",
            "time" => "Time",
            _ => return None,
        }
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_become_those_of_print_schema() {
        let cases = [
            ("", Some("Binary")),
            ("BOOLEAN", Some("Bool")),
            ("TINYINT(1)", Some("Bool")),
            ("INT2", Some("SmallInt")),
            ("smallint", Some("SmallInt")),
            ("INT8", Some("BigInt")),
            ("UNSIGNED BIG INT", Some("BigInt")),
            ("INTEGER", Some("Integer")),
            ("point", Some("Integer")),
            ("VARCHAR(50)", Some("Text")),
            ("CLOB", Some("Text")),
            ("VARBINARY", Some("Binary")),
            ("REAL", Some("Float")),
            ("DOUBLE PRECISION", Some("Double")),
            ("DECIMAL(10, 5)", Some("Double")),
            ("DATETIME", Some("Timestamp")),
            ("TIMESTAMP", Some("Timestamp")),
            ("DATE", Some("Date")),
            ("TIME", Some("Time")),
            ("JSON", None),
            ("ANY", None),
            ("TIMESTAMPTZ", None),
        ];
        for (declared, expected) in cases {
            assert_eq!(diesel_type(declared), expected, "{declared}");
        }
    }
}
