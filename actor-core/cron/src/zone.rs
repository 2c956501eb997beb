//! The time zone.

/// How alike two names must be for one to be meant by the other; 1 is equal.
const ALIKE: f64 = 0.9;

/// Checks that `zone` is in the IANA database, which the program has a copy of.
pub(crate) fn check(zone: &str) -> Result<(), String> {
    if jiff::tz::TimeZone::get(zone).is_ok() {
        return Ok(());
    }
    let example = "name one of the IANA database, such as `Europe/Berlin` or `UTC`";
    if zone.trim().is_empty() {
        return Err(format!("the time zone is empty: {example}"));
    }
    let advice = nearest(zone).map_or_else(
        || example.to_owned(),
        |nearest| format!("did you mean `{nearest}`?"),
    );
    Err(format!(
        "there is no time zone `{}`: {advice}",
        zone.escape_debug()
    ))
}

/// Returns the zone that is most likely meant: one of that city, or one that is spelt nearly so.
fn nearest(zone: &str) -> Option<String> {
    let written = zone.trim().to_lowercase().replace(' ', "_");
    let likeness = |name: &str| {
        let name = name.to_lowercase();
        if name.rsplit('/').next() == Some(&*written) {
            return 1.0;
        }
        strsim::jaro_winkler(&written, &name)
    };
    jiff::tz::db()
        .available()
        .map(|name| (likeness(name.as_str()), name.as_str().to_owned()))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        // Names of equal likeness in the order of the alphabet, whatever the database says first.
        .max_by(|one, other| one.0.total_cmp(&other.0).then_with(|| other.1.cmp(&one.1)))
        .map(|(_, name)| name)
}
