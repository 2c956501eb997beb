//! One mistake is one error: what the cases print is counted.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The cases with several mistakes, and how many; the cases in `several/` are about what stands
/// beside a mistake.
const SEVERAL: &[(&str, usize)] = &[
    ("attribute/not_a_struct", 2),
    ("cron/form", 3),
    ("cron/literals", 5),
    ("event/of_another", 2),
    ("event/options", 3),
    ("migrations/schema_renamed_column", 3),
    ("migrations/schema_unknown_override", 2),
    ("migrations/several_files", 3),
    ("migrations/transaction_control", 2),
    ("order/before_migrate_through", 2),
    ("queue/borrows", 2),
    ("queue/options", 4),
    ("queue/shape", 5),
    ("shape/options", 4),
    ("shape/renamed", 2),
    ("state/both_sides", 2),
    ("state/generic_missing_step", 2),
    ("stored/not_serde", 2),
];

/// The files with the expected errors.
fn expected(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("the cases can be listed") {
        let path = entry.expect("the cases can be listed").path();
        if path.is_dir() {
            expected(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "stderr")
        {
            found.push(path);
        }
    }
}

#[test]
fn each_mistake_is_one_error() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fail");
    let mut files = Vec::new();
    expected(&cases, &mut files);
    let mut counted = BTreeMap::new();
    for file in files {
        let name = file
            .strip_prefix(&cases)
            .expect("it is below")
            .with_extension("");
        let name = name.to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).expect("the errors can be read");
        let errors = text
            .lines()
            .filter(|line| line.starts_with("error"))
            .count();
        if errors != 1 && !name.starts_with("several/") {
            counted.insert(name, errors);
        }
    }
    let known: BTreeMap<_, _> = SEVERAL
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect();
    assert_eq!(counted, known);
}
