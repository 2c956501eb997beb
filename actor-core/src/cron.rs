//! The moments that a cron expression names in a time zone. The feature `cron` has the libraries for it.
//!
//! Where clocks change, the answers are those of Vixie's cron. An expression whose hour begins with `*` follows the time that
//! passes: it has no tick in the hour that is left out, and its ticks in both of the hours that come twice. Any other names
//! times of the day: one that is left out is as much later as the clock jumps, and one that comes twice is the first.

#[cfg(feature = "cron")]
use std::borrow::Cow;

use crate::timer::TimerError;

/// A cron expression in a time zone that was found right: by [`cron!`](crate::cron!) while compiling, or by
/// [`new`](Self::new).
///
/// # Examples
///
/// ```
/// use actor_core::{Cron, cron};
///
/// let weekdays = cron!("0 9 * * 1-5", "Europe/Berlin");
/// assert_eq!(weekdays, Cron::new("0 9 * * 1-5", "Europe/Berlin")?);
///
/// let error = Cron::new("0 0 9 * * 1-5", "Europe/Berlin").unwrap_err();
/// assert!(error.to_string().contains("it has 6 fields instead of five"));
/// # Ok::<(), actor_core::TimerError>(())
/// ```
#[cfg(feature = "cron")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    expression: Cow<'static, str>,
    zone: Cow<'static, str>,
}

#[cfg(feature = "cron")]
impl Cron {
    /// Checks an expression of five fields (minute, hour, day of the month, month, day of the week) and the name of a time zone
    /// of the IANA database.
    ///
    /// # Errors
    ///
    /// [`TimerError::Cron`], which says what is wrong and what to write instead.
    pub fn new(expression: impl Into<String>, zone: impl Into<String>) -> Result<Self, TimerError> {
        let (expression, zone) = (expression.into(), zone.into());
        check(&expression, &zone)?;
        Ok(Self {
            expression: expression.into(),
            zone: zone.into(),
        })
    }

    /// Takes what the macro has checked.
    pub(crate) const fn checked(expression: &'static str, zone: &'static str) -> Self {
        Self {
            expression: Cow::Borrowed(expression),
            zone: Cow::Borrowed(zone),
        }
    }

    /// Returns the expression.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// Returns the name of the time zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone
    }
}

#[cfg(feature = "cron")]
impl From<Cron> for crate::timer::Repeats {
    fn from(cron: Cron) -> Self {
        Self::Cron {
            expression: cron.expression.into_owned(),
            zone: cron.zone.into_owned(),
        }
    }
}

/// Makes a [`Cron`] of an expression and a time zone, both literals, which are checked while compiling.
///
/// The five fields are minute, hour, day of the month, month and day of the week; the zone is one of the IANA database. What is
/// wrong is a compile error at its literal. [`Context::repeat`](crate::Context::repeat) and [`Call::repeat`](crate::Call::repeat) take
/// the value, which can be a `const`.
///
/// # Examples
///
/// ```
/// use actor_core::{Cron, cron};
///
/// const WEEKDAYS: Cron = cron!("0 9 * * 1-5", "Europe/Berlin");
/// assert_eq!(WEEKDAYS.zone(), "Europe/Berlin");
/// ```
#[cfg(feature = "cron")]
#[macro_export]
macro_rules! cron {
    ($($input:tt)*) => {
        $crate::__private::checked_cron_macro!($crate; $($input)*)
    };
}

/// Says what is wrong with an expression that is to be stored.
#[cfg(feature = "cron")]
pub(crate) fn check(expression: &str, zone: &str) -> Result<(), TimerError> {
    let checked = actor_cron::check_expression(expression);
    checked
        .and_then(|()| actor_cron::check_zone(zone))
        .map_err(|reason| TimerError::Cron {
            expression: expression.to_owned(),
            zone: zone.to_owned(),
            reason,
        })
}

/// Refuses, as [`next`] does.
#[cfg(not(feature = "cron"))]
pub(crate) fn check(expression: &str, zone: &str) -> Result<(), TimerError> {
    next(expression, zone, 0).map(drop)
}

/// Returns the first moment behind `now`, in milliseconds since 1970; `None` if there is none in the next four years.
#[cfg(feature = "cron")]
pub(crate) fn next(expression: &str, zone: &str, now: i64) -> Result<Option<i64>, TimerError> {
    let refused = |reason: String| TimerError::Cron {
        expression: expression.to_owned(),
        zone: zone.to_owned(),
        reason,
    };
    let time_zone = jiff::tz::TimeZone::get(zone).map_err(|error| refused(error.to_string()))?;
    // The expression alone, so that what is wrong with it is told apart from there being no such moment.
    let parse = |zone: &str| {
        cronexpr::parse_crontab(&format!("{expression} {zone}"))
            .map_err(|error| refused(error.to_string()))
    };
    let elapsed = expression
        .split_whitespace()
        .nth(1)
        .is_some_and(|hour| hour.starts_with('*'));
    if elapsed {
        let next = parse(zone)?.find_next(at(now).map_err(refused)?);
        return Ok(next.ok().map(|next| next.timestamp().as_millisecond()));
    }
    let daily = parse("UTC")?;
    let moment =
        jiff::Timestamp::from_millisecond(now).map_err(|error| refused(error.to_string()))?;
    // What the clock on the wall shows, as if it were UTC: there every time of the day is there, once. The search begins
    // early, because a time that is left out is moved behind the gap.
    let wall = time_zone.to_datetime(moment);
    let mut shown = jiff::tz::Offset::UTC
        .to_timestamp(wall)
        .map_err(|error| refused(error.to_string()))?
        .as_millisecond()
        - LONGEST_GAP_MS;
    loop {
        let Ok(tick) = daily.find_next(at(shown).map_err(refused)?) else {
            return Ok(None);
        };
        shown = tick.timestamp().as_millisecond();
        let real = time_zone
            .to_ambiguous_timestamp(tick.datetime())
            .compatible()
            .map_err(|error| refused(error.to_string()))?
            .as_millisecond();
        if real > now {
            return Ok(Some(real));
        }
    }
}

/// As far as a clock is ever set forward, with room.
#[cfg(feature = "cron")]
const LONGEST_GAP_MS: i64 = 3 * 60 * 60 * 1_000;

#[cfg(feature = "cron")]
fn at(milliseconds: i64) -> Result<cronexpr::MakeTimestamp, String> {
    cronexpr::MakeTimestamp::from_millisecond(milliseconds).map_err(|error| error.to_string())
}

/// Refuses: a program with the feature stored the expression.
#[cfg(not(feature = "cron"))]
pub(crate) fn next(expression: &str, zone: &str, _now: i64) -> Result<Option<i64>, TimerError> {
    Err(TimerError::Cron {
        expression: expression.to_owned(),
        zone: zone.to_owned(),
        reason: "the program was built without the feature `cron` of actor-core".to_owned(),
    })
}

#[cfg(all(test, feature = "cron"))]
mod tests {
    use super::*;

    /// Returns the next `count` ticks as the clock on the wall shows them, with the offset.
    fn ticks(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let mut now = from.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let zone_of = jiff::tz::TimeZone::get(zone).unwrap();
        (0..count)
            .map(|_| {
                now = next(expression, zone, now).unwrap().unwrap();
                let moment = jiff::Timestamp::from_millisecond(now).unwrap();
                let zoned = moment.to_zoned(zone_of.clone());
                zoned.strftime("%m-%d %H:%M %:z").to_string()
            })
            .collect()
    }

    #[test]
    fn a_time_of_the_day_is_the_same_on_the_wall_in_summer_and_winter() {
        assert_eq!(
            ticks("0 9 * * 1-5", "Europe/Berlin", "2026-10-23T00:00:00Z", 3),
            [
                "10-23 09:00 +02:00",
                "10-26 09:00 +01:00",
                "10-27 09:00 +01:00"
            ]
        );
    }

    #[test]
    fn a_time_that_is_left_out_is_later_and_one_that_comes_twice_is_the_first() {
        assert_eq!(
            ticks("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
            [
                "03-28 02:30 +01:00",
                "03-29 03:30 +02:00",
                "03-30 02:30 +02:00"
            ]
        );
        // Asked again inside of the hour that moved.
        assert_eq!(
            ticks("30 2 * * *", "Europe/Berlin", "2026-03-29T01:10:00Z", 1),
            ["03-29 03:30 +02:00"]
        );
        assert_eq!(
            ticks("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["10-25 02:30 +02:00", "10-26 02:30 +01:00"]
        );
    }

    #[test]
    fn every_so_many_minutes_follows_the_time_that_passes() {
        assert_eq!(
            ticks("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:15:00Z", 4),
            [
                "10-25 02:30 +02:00",
                "10-25 02:00 +01:00",
                "10-25 02:30 +01:00",
                "10-25 03:00 +01:00"
            ]
        );
        assert_eq!(
            ticks("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z", 2),
            ["03-29 01:30 +01:00", "03-29 03:00 +02:00"]
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = next("0 9 * *", "UTC", 0).unwrap_err();
        assert_eq!(error.code(), "cron");
        assert!(next("0 9 * * *", "Europe/Nowhere", 0).is_err());
        assert_eq!(next("0 0 30 2 *", "UTC", 0).unwrap(), None);
    }
}
