//! What may change in a saved state, and what may not.

use syn::parse_quote;

use super::*;

/// Locks `before`, and returns the first lines of what is wrong with `after`.
fn change(before: &DeriveInput, after: &DeriveInput) -> Vec<String> {
    changes(&[before, after])
}

/// Locks all but the last, one after the other, and returns the first lines of what is wrong with that.
fn changes(inputs: &[&DeriveInput]) -> Vec<String> {
    let package = tempfile::tempdir().unwrap();
    let check = |input: &DeriveInput, mode| -> Vec<String> {
        let (shape, _) = read::shape(input).unwrap();
        let faults = check(&shape, package.path(), mode);
        let first = |fault: &Fault| {
            fault
                .message
                .split(": version")
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        faults.iter().map(first).collect()
    };
    let (last, released) = inputs.split_last().unwrap();
    for input in released {
        assert_eq!(check(input, LockMode::Extend), [""; 0]);
        assert_eq!(check(input, LockMode::Check), [""; 0]);
        assert_eq!(check(input, LockMode::Hold), [""; 0]);
    }
    let faults = check(last, LockMode::Hold);
    assert_eq!(check(last, LockMode::Extend), faults);
    faults
}

/// What a state became, and what is wrong with that.
type Cases = &'static [(&'static str, &'static [&'static str])];

const STRUCTS: Cases = &[
    ("struct Cart { items: Vec < String >, total: i64 }", &[]),
    ("struct Cart { total: i64, items: Vec<String> }", &[]),
    (
        "struct Cart { lines: Vec<String>, total: i64 }",
        &["saved states of `Cart` may lack the field `lines`"],
    ),
    (
        r#"struct Cart { #[serde(rename = "items")] lines: Vec<String>, total: i64 }"#,
        &[],
    ),
    (
        r#"struct Cart { #[serde(alias = "items")] lines: Vec<String>, total: i64 }"#,
        &[],
    ),
    (
        "struct Cart { #[serde(default)] lines: Vec<String>, total: i64 }",
        &[],
    ),
    (
        "#[serde(default)] struct Cart { lines: Vec<String>, total: i64 }",
        &[],
    ),
    (
        "struct Cart { items: Vec<String>, total: i64, note: Option<String> }",
        &[],
    ),
    (
        "struct Cart { items: Vec<String>, total: Option<i64> }",
        &[],
    ),
    (
        "struct Cart { items: Vec<String>, total: String }",
        &["`total` was saved as `i64` and is `String` now"],
    ),
    ("struct Cart { items: Vec<String> }", &[]),
    (
        "#[serde(deny_unknown_fields)] struct Cart { items: Vec<String> }",
        &["the field `total` of `Cart` is gone, and saved states may have it"],
    ),
    (
        "struct Cart { items: Vec<String>, #[serde(skip)] total: i64 }",
        &[],
    ),
    (
        r#"struct Cart { items: Vec<String>, #[serde(with = "text")] total: i64 }"#,
        &["`total` was saved as `i64` and is `i64 with=\"text\"` now"],
    ),
    (
        r#"#[serde(rename_all = "UPPERCASE")] struct Cart { items: Vec<String> }"#,
        &["saved states of `Cart` may lack the field `ITEMS`"],
    ),
    (
        "struct Cart(Vec<String>, i64);",
        &["`Cart` was saved as `fields` and is `tuple(2)` now"],
    ),
    ("#[state_shape(version = 2)] struct Cart { lines: u8 }", &[]),
];

const ENUMS: Cases = &[
    (
        "enum Step { Begun, Paid { cents: i64 }, Sent(String), Lost { at: u8 } }",
        &[],
    ),
    (
        "enum Step { Begun, Paid { cents: i64 } }",
        &["the variant `Sent` of `Step` is gone, and saved states may have it"],
    ),
    (
        r#"enum Step { Begun, Paid { cents: i64 }, #[serde(alias = "Sent")] Shipped(String) }"#,
        &[],
    ),
    (
        r#"enum Step { Begun, #[serde(rename = "Paid")] Settled { cents: i64 }, Sent(String) }"#,
        &[],
    ),
    (
        "enum Step { Begun, Paid { cents: u8 }, Sent(String) }",
        &["`Paid.cents` was saved as `i64` and is `u8` now"],
    ),
    (
        "enum Step { Begun, Paid { cents: i64, by: u8 }, Sent(String) }",
        &["saved states of `Step` may lack the field `Paid.by`"],
    ),
    (
        "enum Step { Begun(u8), Paid { cents: i64 }, Sent(String) }",
        &[
            "saved states of `Step` may lack the field `Begun.0`",
            "`Begun` was saved as `unit` and is `value` now",
        ],
    ),
    (
        r#"#[serde(tag = "kind")] enum Step { Begun, Paid { cents: i64 }, Sent(String) }"#,
        &["`Step` was saved as `enum` and is `enum tag=\"kind\"` now"],
    ),
];

fn check_cases(before: &DeriveInput, cases: Cases) {
    for (after, expected) in cases {
        let input = syn::parse_str(after).unwrap();
        assert_eq!(change(before, &input), *expected, "{after}");
    }
}

#[test]
fn what_every_saved_state_has_may_change_only_as_serde_reads_it() {
    check_cases(
        &parse_quote!(
            struct Cart {
                items: Vec<String>,
                total: i64,
            }
        ),
        STRUCTS,
    );
}

#[test]
fn variants_that_were_saved_stay() {
    let before = parse_quote!(
        enum Step {
            Begun,
            Paid { cents: i64 },
            Sent(String),
        }
    );
    check_cases(&before, ENUMS);
}

#[test]
fn every_released_shape_of_a_version_is_remembered() {
    let first = parse_quote!(
        struct Cart {
            a: u8,
        }
    );
    let second = parse_quote!(
        struct Cart {
            a: u8,
            #[serde(default)]
            b: u8,
        }
    );
    // States of the first release lack it, however long ago that was.
    let required = parse_quote!(
        struct Cart {
            a: u8,
            b: u8,
        }
    );
    assert_eq!(
        changes(&[&first, &second, &required]),
        ["saved states of `Cart` may lack the field `b`"]
    );
    // States of the second one have it, although the third did not.
    let other = parse_quote!(
        struct Cart {
            a: u8,
            #[serde(default)]
            b: String,
        }
    );
    assert_eq!(
        changes(&[&first, &second, &first, &other]),
        ["`b` was saved as `u8` and is `String` now"]
    );
    // What was missing in between is.
    assert_eq!(
        changes(&[&second, &first, &required]),
        ["saved states of `Cart` may lack the field `b`"]
    );
}

#[test]
fn names_are_those_of_serde() {
    let shape = |input: DeriveInput| -> Vec<String> {
        let (shape, _) = read::shape(&input).unwrap();
        shape
            .members
            .into_iter()
            .map(|member| member.path)
            .collect()
    };
    let camel = parse_quote!(
        #[serde(rename_all = "camelCase")]
        struct A {
            first_name: u8,
            #[serde(flatten)]
            rest: Rest,
            r#type: u8,
        }
    );
    assert_eq!(shape(camel), ["firstName", "*Rest", "type"]);
    let kebab = parse_quote!(
        #[serde(rename_all = "kebab-case", rename_all_fields = "SCREAMING_SNAKE_CASE")]
        enum A {
            FirstOne { in_it: u8 },
        }
    );
    assert_eq!(shape(kebab), ["first-one.IN_IT", "first-one"]);
    let split = parse_quote!(
        struct A {
            #[serde(rename(serialize = "out", deserialize = "in"))]
            a: u8,
        }
    );
    assert_eq!(shape(split), ["out"]);
}

#[test]
fn a_lock_that_is_damaged_or_missing_is_told() {
    let package = tempfile::tempdir().unwrap();
    let input: DeriveInput = parse_quote!(
        struct Cart {
            a: u8,
        }
    );
    let (shape, _) = read::shape(&input).unwrap();
    let message = |mode| -> String {
        let faults = check(&shape, package.path(), mode);
        faults.into_iter().map(|fault| fault.message).collect()
    };
    assert_eq!(message(LockMode::Hold), "");
    assert!(!package.path().join(DIR).exists());
    assert!(
        message(LockMode::Check)
            .starts_with("the shape of `Cart` is not in the lock `shapes/Cart.lock`")
    );
    assert_eq!(message(LockMode::Update), "");
    for line in [
        "<<<<<<< HEAD",
        "  field a: u8",
        "version x struct",
        "version 1",
    ] {
        std::fs::write(package.path().join("shapes/Cart.lock"), format!("{line}\n")).unwrap();
        assert!(
            message(LockMode::Hold)
                .starts_with("line 1 of the lock `shapes/Cart.lock` cannot be read"),
            "{line}"
        );
    }
    assert_eq!(message(LockMode::Update), "");
    assert_eq!(message(LockMode::Check), "");
}

#[test]
fn names_of_any_characters_are_locked() {
    let before: DeriveInput = parse_quote!(
        struct A {
            #[serde(rename = "a: b?\n.%41; ä")]
            a: u8,
            #[serde(rename = "x.y")]
            b: u8,
        }
    );
    let after: DeriveInput = parse_quote!(
        struct A {
            #[serde(rename = "a: b?\n.%41; ä")]
            a: u8,
            #[serde(rename = "x.z")]
            b: u8,
        }
    );
    assert_eq!(change(&before, &before), [""; 0]);
    assert_eq!(
        change(&before, &after),
        ["saved states of `A` may lack the field `x.z`"]
    );
}
