use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{EqualByTrace as _, EqualByValue as _, Root, Same, ValueError, decode, encode};

/// Stores a value by what serde sees of it only.
fn traced<T: Serialize + DeserializeOwned>(value: &T) -> Result<String, ValueError> {
    encode(Root::named("state"), value, |_: &T| true)
}

/// Holds that a value comes back equal.
#[track_caller]
#[allow(
    clippy::needless_pass_by_value,
    reason = "the values are made where they are given"
)]
fn kept<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    let json = traced(&value).unwrap();
    assert_eq!(decode::<T>(Root::named("state"), &json).unwrap(), value);
}

/// Holds that a value is refused with these words.
#[track_caller]
fn refused<T: Serialize + DeserializeOwned>(value: &T, says: &str) {
    assert_eq!(traced(value).unwrap_err().to_string(), says);
}

const DIFFERENT: &str = "it would be read back as another value (`Some(None)`, an untagged variant \
                         that another one matches, or a skipped field)";

struct Opaque;
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(Option<u8>);
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum External {
    Unit,
    Newtype(f32),
    Tuple(i8, char),
    Struct { a: u128, b: Option<()> },
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t")]
enum Internal {
    Unit,
    Struct { a: u64, m: BTreeMap<i32, u8> },
    Wide { w: u128 },
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Unit,
    Newtype(f64),
    Struct { a: i64 },
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Narrow(u8),
    Wide(u64),
    Float(f64),
    Letter(char),
    Text(String),
    Again(String),
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    a: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, i64>,
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wide {
    #[serde(flatten)]
    inner: Inner,
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    n: u128,
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Skips {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    list: Vec<u8>,
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    mean: f64,
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Readings {
    readings: Vec<Reading>,
    by_key: HashMap<String, Option<f32>>,
}

#[test]
fn integers_of_every_width_come_back() {
    kept((i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN));
    kept((u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
    kept((i64::MAX, usize::MAX, 0_u128, -1_i128));
}

#[test]
fn floats_come_back_bit_by_bit() {
    // A linear congruential generator, so that each run holds the same two million doubles.
    let mut bits: u64 = 7;
    for _ in 0..200_000 {
        bits = bits
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let double = f64::from_bits(bits);
        if double.is_finite() {
            let json = traced(&double).unwrap();
            let back: f64 = decode(Root::named("state"), &json).unwrap();
            assert_eq!(back.to_bits(), double.to_bits(), "{bits:#x}");
        }
        let single = f32::from_bits((bits >> 32) as u32);
        if single.is_finite() {
            let json = traced(&single).unwrap();
            let back: f32 = decode(Root::named("state"), &json).unwrap();
            assert_eq!(back.to_bits(), single.to_bits(), "{bits:#x}");
        }
    }
    for double in [0.0, -0.0, f64::MIN_POSITIVE, f64::from_bits(1), f64::MAX] {
        let json = traced(&double).unwrap();
        let back: f64 = decode(Root::named("state"), &json).unwrap();
        assert_eq!(back.to_bits(), double.to_bits());
    }
}

#[test]
fn what_is_not_finite_is_refused_where_it_is() {
    refused(&f64::NAN, "state: not a finite number");
    refused(&f32::NEG_INFINITY, "state: not a finite number");
    let mut value = Readings {
        readings: [1.0, 2.0, 3.0, f64::INFINITY]
            .map(|mean| Reading { mean })
            .into(),
        by_key: HashMap::new(),
    };
    refused(&value, "state.readings[3].mean: not a finite number");
    value.readings.clear();
    value.by_key.insert("a b".to_owned(), Some(f32::NAN));
    refused(&value, "state.by_key[\"a b\"]: not a finite number");
    refused(
        &External::Newtype(f32::NAN),
        "state.Newtype: not a finite number",
    );
    let arguments = encode(
        Root::arguments(&["at", "mean"]),
        &(1, f64::NAN),
        |_: &(i32, f64)| true,
    );
    assert_eq!(
        arguments.unwrap_err().to_string(),
        "mean: not a finite number"
    );
}

#[test]
fn the_shapes_of_serde_come_back() {
    kept(Unit);
    kept(());
    kept((Newtype(None), Newtype(Some(1))));
    kept(vec![
        External::Unit,
        External::Newtype(0.1),
        External::Tuple(-1, '\u{0}'),
    ]);
    kept(External::Struct {
        a: u128::MAX,
        b: None,
    });
    kept(vec![
        Internal::Unit,
        Internal::Struct {
            a: u64::MAX,
            m: BTreeMap::new(),
        },
    ]);
    kept(vec![
        Adjacent::Unit,
        Adjacent::Newtype(-0.5),
        Adjacent::Struct { a: -1 },
    ]);
    kept(Flat {
        a: 1,
        rest: [("b".to_owned(), -1)].into(),
    });
    kept(vec!["\u{0}\"\\\u{1f}\u{2028}🦀".to_owned(), String::new()]);
    kept(Skips { list: vec![1] });
    kept(std::time::Duration::MAX);
    kept(std::net::IpAddr::from([1_u8, 2, 3, 4]));
}

#[test]
fn maps_and_sets_come_back_in_any_order() {
    for count in [0_u64, 1, 2, 1_000] {
        kept(
            (0..count)
                .map(|n| (n, n.to_string()))
                .collect::<HashMap<_, _>>(),
        );
        kept((0..count).collect::<HashSet<_>>());
        kept(
            (0..count)
                .map(|n| [n].into())
                .collect::<Vec<HashSet<u64>>>(),
        );
    }
    kept(BTreeMap::from([(true, 1), (false, 2)]));
    kept(BTreeMap::from([('a', 1), ('"', 2)]));
    kept(BTreeMap::from([(i128::MIN, 1), (i128::MAX, 2)]));
    kept(BTreeMap::from([(Newtype2(3), 1)]));
    refused(
        &BTreeMap::from([((1, 2), 3)]),
        "state: the key of a map must be a text, a number, a bool or a unit variant",
    );
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Newtype2(u16);

#[test]
fn what_would_come_back_as_another_value_is_refused() {
    refused(&Some(None::<u8>), &format!("state: {DIFFERENT}"));
    refused(&Some(()), &format!("state: {DIFFERENT}"));
    refused(
        &vec![Some(Some(1)), Some(None)],
        &format!("state[1]: {DIFFERENT}"),
    );
    kept(Untagged::Narrow(1));
    kept(Untagged::Wide(256));
    refused(&Untagged::Wide(255), &format!("state: {DIFFERENT}"));
    kept(Untagged::Float(1.0));
    kept(Untagged::Text("ab".to_owned()));
    refused(
        &Untagged::Text("a".to_owned()),
        &format!("state: {DIFFERENT}"),
    );
    let skipped = Skips { list: Vec::new() };
    refused(
        &skipped,
        "state: it would not be read back: missing field `list` at line 1 column 2",
    );
    for number in [1, u128::MAX] {
        let wide = Wide {
            inner: Inner { n: number },
        };
        let says = traced(&wide).map_or_else(
            |error| error.to_string(),
            |json| {
                assert_eq!(decode::<Wide>(Root::named("state"), &json).unwrap(), wide);
                String::new()
            },
        );
        assert!(says.is_empty() || says.starts_with("state"), "{says}");
    }
    let keyed = Internal::Struct {
        a: 1,
        m: [(1, 2)].into(),
    };
    assert!(traced(&keyed).unwrap_err().to_string().starts_with("state"));
    assert!(traced(&Internal::Wide { w: u128::MAX }).is_err());
}

#[test]
fn variants_that_write_the_same_are_told_apart_by_their_type() {
    let again = Untagged::Again("ab".to_owned());
    assert!(traced(&again).is_ok(), "serde sees no difference");
    let same = |read: &Untagged| Same(&again, read).same();
    let refused = encode(Root::named("state"), &again, same).unwrap_err();
    assert_eq!(refused.to_string(), format!("state: {DIFFERENT}"));
    assert!((&Same(&Opaque, &Opaque)).same(), "a type that says nothing");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Nest(Vec<Nest>);
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Loose {
    End(u8),
    More { next: Box<Loose> },
}
#[derive(Serialize, Deserialize)]
struct Chain(Option<Box<Chain>>);

/// Four that JSON does not see, around each one that it does.
#[derive(Serialize, Deserialize)]
struct Wrapped(Option<Wrapping>);

#[derive(Serialize, Deserialize)]
struct Wrapping(Option<Box<(Wrapped,)>>);

#[test]
fn what_is_nested_is_kept_or_refused_at_every_depth() {
    // The stack of a worker.
    let run = || {
        let (mut nest, mut loose) = (Nest(Vec::new()), Loose::End(1));
        let mut kept = 0;
        for depth in 0..1_000 {
            for json in [
                traced(&nest).map(|json| assert_eq!(read::<Nest>(&json), nest)),
                traced(&loose).map(|json| assert_eq!(read::<Loose>(&json), loose)),
            ] {
                match json {
                    Ok(()) => kept = depth,
                    Err(error) => assert!(error.to_string().starts_with("state"), "{error}"),
                }
            }
            nest = Nest(vec![nest]);
            loose = Loose::More {
                next: Box::new(loose),
            };
        }
        assert_eq!(kept, 127);
        let mut chain = Chain(None);
        for _ in 0..1_000 {
            chain = Chain(Some(Box::new(chain)));
        }
        let error = traced(&chain).unwrap_err().to_string();
        assert_eq!(error, "state: nested deeper than 512 levels");
        // What JSON has no level for does not count as one.
        let mut wrapped = Wrapped(None);
        for depth in 0..130 {
            assert_eq!(traced(&wrapped).is_ok(), depth < 128, "{depth}");
            wrapped = Wrapped(Some(Wrapping(Some(Box::new((wrapped,))))));
        }
    };
    let worker = std::thread::Builder::new().stack_size(2 << 20).spawn(run);
    worker.unwrap().join().unwrap();
}

fn read<T: DeserializeOwned>(json: &str) -> T {
    decode(Root::named("state"), json).unwrap()
}

#[test]
fn what_does_not_fit_is_told_where() {
    let read: Result<Readings, _> = decode(
        Root::named("state"),
        r#"{"readings":[{"mean":1},{"mean":"x"}],"by_key":{}}"#,
    );
    assert_eq!(
        read.unwrap_err().to_string(),
        "state.readings[1].mean: invalid type: string \"x\", expected f64 at line 1 column 35"
    );
    let read: Result<(u8, u8), _> = decode(Root::arguments(&["one", "two"]), "[1,300]");
    assert_eq!(
        read.unwrap_err().to_string(),
        "two: invalid value: integer `300`, expected u8 at line 1 column 6"
    );
}

#[derive(Serialize, Deserialize)]
enum Colour {
    Red,
    Mixed { part: u8 },
}

#[derive(Serialize, Deserialize)]
enum Paint {
    Red,
    Mixed { part: u8 },
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Colour(Colour),
    Paint(Paint),
}

#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(untagged)]
enum Name {
    Perhaps(Option<String>),
    Always(String),
}

#[test]
fn variants_of_two_enums_and_wrapped_keys_are_told_apart_by_their_events() {
    for first in [Colour::Red, Colour::Mixed { part: 1 }] {
        assert!(traced(&Either::Colour(first)).is_ok());
    }
    refused(&Either::Paint(Paint::Red), &format!("state: {DIFFERENT}"));
    let mixed = Either::Paint(Paint::Mixed { part: 1 });
    refused(&mixed, &format!("state.Mixed: {DIFFERENT}"));
    let by_name = |name| BTreeMap::from([(name, 1)]);
    assert!(traced(&by_name(Name::Perhaps(Some("a".to_owned())))).is_ok());
    let key = by_name(Name::Always("a".to_owned()));
    refused(&key, &format!("state.a: {DIFFERENT}"));
}
