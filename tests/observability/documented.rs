//! `docs/OBSERVABILITY.md` has what there is, and nothing else.

use std::collections::BTreeMap;

use metrics::Unit;

use crate::meter::{Described, meter};
use crate::shop::shops;

const DOCUMENT: &str = include_str!("../../docs/OBSERVABILITY.md");

/// Takes the words in backticks out of a cell of a table.
fn words(cell: &str) -> Vec<String> {
    let parts = cell.split('`').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}

/// Returns the metrics of the document's table.
fn documented() -> BTreeMap<String, Described> {
    let rows = DOCUMENT
        .lines()
        .filter(|line| line.starts_with("| `actor_"));
    let metrics = rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, name, kind, unit, labels, meaning, _] = cells[..] else {
            panic!("a row has five cells: {row}");
        };
        assert!(!meaning.is_empty(), "{name} has a meaning");
        let described = Described {
            kind: ["counter", "gauge", "histogram"]
                .into_iter()
                .find(|known| *known == kind)
                .unwrap(),
            unit: Some(match unit {
                "count" => Unit::Count,
                "seconds" => Unit::Seconds,
                "bytes" => Unit::Bytes,
                other => panic!("{name} is in {other}"),
            }),
            labels: words(labels),
        };
        (words(name).remove(0), described)
    });
    metrics.collect()
}

#[tokio::test(start_paused = true)]
async fn the_documented_metrics_are_those_that_are_registered() {
    let (meter, _recorder) = meter();
    let _lab = shops().start().await.unwrap();
    assert_eq!(documented(), meter.described());
}

#[test]
fn a_name_says_what_a_metric_is() {
    for (name, metric) in documented() {
        assert_eq!(name.ends_with("_total"), metric.kind == "counter", "{name}");
        let is_time = metric.unit == Some(Unit::Seconds);
        assert_eq!(name.ends_with("_seconds"), is_time, "{name}");
    }
}
