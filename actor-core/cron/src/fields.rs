//! The fields of an expression: how many there are, and which one is wrong.

use crate::zone;

/// A field: what it is called, and what stands in it.
struct Field {
    name: &'static str,
    values: &'static str,
}

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        values: "0 to 59",
    },
    Field {
        name: "hour",
        values: "0 to 23",
    },
    Field {
        name: "day of the month",
        values: "1 to 31, `L` for the last, or `15W` for the weekday next to it",
    },
    Field {
        name: "month",
        values: "1 to 12, or JAN to DEC",
    },
    Field {
        name: "day of the week",
        values: "0 to 7, or SUN to SAT, `5L` for the last Friday, or `1#2` for the second Monday",
    },
];

const FIVE: &str = "five: minute, hour, day of the month, month, day of the week";

/// The names that other programs have for some expressions.
const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// Checks that `expression` has five valid fields.
pub(crate) fn check(expression: &str) -> Result<(), String> {
    let words: Vec<_> = expression.split_ascii_whitespace().collect();
    if let Some(name) = words.first().filter(|word| word.starts_with('@')) {
        return Err(nickname(name));
    }
    let fields: &[&str; 5] = words.as_slice().try_into().map_err(|_| count(&words))?;
    for (index, field) in FIELDS.iter().enumerate() {
        // The library tells which column is wrong. With only this field set, it tells whether this one is.
        let mut alone = ["*"; 5];
        alone[index] = fields[index];
        if cronexpr::parse_crontab(&format!("{} UTC", alone.join(" "))).is_err() {
            return Err(wrong(field, fields[index]));
        }
    }
    Ok(())
}

/// Says what to write for a name such as `@daily`.
fn nickname(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "@reboot" => {
            return "`@reboot` names no time: an `#[on_wake]` hook runs when an actor wakes"
                .to_owned();
        }
        "@every" => {
            return "`@every` is not cron: `every(…)` repeats a call with the same time between"
                .to_owned();
        }
        _ => {}
    }
    let fields = NICKNAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map_or_else(
            || format!("five fields, {FIVE}"),
            |(_, fields)| format!("`{fields}`"),
        );
    format!(
        "names such as `{}` are not supported: write {fields}",
        name.escape_debug()
    )
}

/// Says that there are not five fields.
fn count(words: &[&str]) -> String {
    let (number, plural) = (words.len(), if words.len() == 1 { "" } else { "s" });
    let zone = words.last().filter(|word| zone::check(word).is_ok());
    let advice = match (number, zone) {
        (0, _) => {
            return format!(
                "it is empty: write {FIVE}; `0 9 * * 1-5` is nine o'clock from Monday to Friday"
            );
        }
        (_, Some(zone)) => format!("; the time zone `{zone}` is an argument of its own"),
        (6, None) => "; there are no seconds, so leave out the first field".to_owned(),
        (7, None) => {
            "; there are no seconds and no years, so leave out the first and the last field"
                .to_owned()
        }
        _ => String::new(),
    };
    format!("it has {number} field{plural} instead of {FIVE}{advice}")
}

/// Says what is wrong with one field.
fn wrong(field: &Field, text: &str) -> String {
    let start = format!("the {} `{}` is not valid", field.name, text.escape_debug());
    if text.contains('?') {
        return format!("{start}: `?` belongs to other kinds of cron, so write `*`");
    }
    let goes_down = |item: &str| {
        let (first, last) = item.split_once('-')?;
        let last = last.split('/').next()?;
        Some(first.parse::<u8>().ok()? > last.parse::<u8>().ok()?)
    };
    if text.split(',').any(|item| goes_down(item) == Some(true)) {
        return format!(
            "{start}: a range goes up, so write one to the end and one from the beginning, as a list"
        );
    }
    format!(
        "{start}: it is {}; also `*`, a list such as `1,2`, a range such as `1-5` and steps such as `*/5`",
        field.values
    )
}
