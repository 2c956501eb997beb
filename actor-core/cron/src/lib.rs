//! Says what is wrong with a cron expression and its time zone.
//!
//! The macro `cron!` and the runtime ask the same function, so that a program which compiles names the moments that it will
//! name when it runs. What the expression means is the matter of the crate `cronexpr`; this names the field that is wrong.

mod fields;
mod zone;

/// The most bytes that an expression may have. A list of all minutes has 169.
pub const EXPRESSION_BYTES: usize = 512;

/// Checks the name of a time zone.
///
/// # Errors
///
/// A sentence that says what is wrong and what to write instead.
pub fn check_zone(zone: &str) -> Result<(), String> {
    zone::check(zone)
}

/// Checks a cron expression of five fields.
///
/// # Errors
///
/// As [`check_zone`].
pub fn check_expression(expression: &str) -> Result<(), String> {
    if expression.len() > EXPRESSION_BYTES {
        return Err(format!(
            "the expression has {} bytes, more than {EXPRESSION_BYTES}",
            expression.len()
        ));
    }
    fields::check(expression)?;
    if comes(expression) {
        return Ok(());
    }
    Err("there is no such day, so it names no moment: February has 28 or 29 days, and April, June, September and November \
         have 30"
        .to_owned())
}

/// Says whether a valid expression ever names a moment.
fn comes(expression: &str) -> bool {
    let Ok(crontab) = cronexpr::parse_crontab(&format!("{expression} UTC")) else {
        return false;
    };
    // A search ends after four years, and each day of the week is the 29th of February once in 28.
    (0..=FIRST_DAYS_OF_THE_WEEK).any(|index| {
        let start = YEAR_2000_MS + index * FOUR_YEARS_MS;
        cronexpr::MakeTimestamp::from_millisecond(start)
            .is_ok_and(|start| crontab.find_next(start).is_ok())
    })
}

const FIRST_DAYS_OF_THE_WEEK: i64 = 7;
const YEAR_2000_MS: i64 = 946_684_800_000;
const FOUR_YEARS_MS: i64 = (4 * 365 + 1) * 24 * 60 * 60 * 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, zone: &str) -> Result<(), String> {
        check_expression(expression)?;
        check_zone(zone)
    }

    fn reason(expression: &str, zone: &str) -> String {
        check(expression, zone).expect_err(expression)
    }

    #[test]
    fn what_cron_understands_is_accepted() {
        for expression in [
            "0 9 * * 1-5",
            "*/15 * * * *",
            "0,30 8-18/2 1,15 JAN-MAR mon,FRI",
            "0 0 L * *",
            "0 0 15W * *",
            "0 0 * * 5L",
            "0 0 * * 1#2",
            "0 0 29 2 *",
            "0 0 29 2 */7",
            "0 0 31 * *",
            "0 0 30 2 1",
            "  0\t9 *  * 7 \n",
        ] {
            assert_eq!(check(expression, "Europe/Berlin"), Ok(()), "{expression}");
        }
        for zone in ["UTC", "america/new_york", "Asia/Kolkata", "Etc/GMT-2"] {
            assert_eq!(check("0 9 * * *", zone), Ok(()), "{zone}");
        }
    }

    #[test]
    fn fields_are_counted_first() {
        let count = |expression: &str| reason(expression, "UTC");
        let five = "five: minute, hour, day of the month, month, day of the week";
        assert_eq!(
            count("0 0 9 * * 1-5"),
            format!(
                "it has 6 fields instead of {five}; there are no seconds, so leave out the first field"
            )
        );
        assert_eq!(
            count("0 0 9 * * 1-5 2027"),
            format!(
                "it has 7 fields instead of {five}; there are no seconds and no years, so leave out the first and the last field"
            )
        );
        assert_eq!(
            count("0 9 * * 1-5 Europe/Berlin"),
            format!(
                "it has 6 fields instead of {five}; the time zone `Europe/Berlin` is an argument of its own"
            )
        );
        assert_eq!(
            count("0 9 * *"),
            format!("it has 4 fields instead of {five}")
        );
        assert_eq!(count("0"), format!("it has 1 field instead of {five}"));
        assert_eq!(
            count("* * * * * * * *"),
            format!("it has 8 fields instead of {five}")
        );
        for empty in ["", " \t"] {
            assert_eq!(
                count(empty),
                format!(
                    "it is empty: write {five}; `0 9 * * 1-5` is nine o'clock from Monday to Friday"
                )
            );
        }
    }

    #[test]
    fn names_of_times_are_told_as_five_fields() {
        for (name, fields) in [
            ("@daily", "0 0 * * *"),
            ("@Midnight", "0 0 * * *"),
            ("@hourly", "0 * * * *"),
            ("@weekly", "0 0 * * 0"),
            ("@monthly", "0 0 1 * *"),
            ("@yearly", "0 0 1 1 *"),
            ("@annually", "0 0 1 1 *"),
        ] {
            assert_eq!(
                reason(name, "UTC"),
                format!("names such as `{name}` are not supported: write `{fields}`")
            );
        }
        assert_eq!(
            reason("@reboot", "UTC"),
            "`@reboot` names no time: an `#[on_wake]` hook runs when an actor wakes"
        );
        assert_eq!(
            reason("@every 5m", "UTC"),
            "`@every` is not cron: `every(…)` repeats a call with the same time between"
        );
        assert!(
            reason("@noon", "UTC")
                .starts_with("names such as `@noon` are not supported: write five fields")
        );
    }

    #[test]
    fn the_field_that_is_wrong_is_named_with_what_it_may_be() {
        for (expression, expected) in [
            ("60 * * * *", "the minute `60` is not valid: it is 0 to 59"),
            ("0 24 * * *", "the hour `24` is not valid: it is 0 to 23"),
            (
                "0 0 0 * *",
                "the day of the month `0` is not valid: it is 1 to 31",
            ),
            (
                "0 0 32 * *",
                "the day of the month `32` is not valid: it is 1 to 31",
            ),
            (
                "0 0 1 13 *",
                "the month `13` is not valid: it is 1 to 12, or JAN to DEC",
            ),
            (
                "0 0 1 Janu *",
                "the month `Janu` is not valid: it is 1 to 12, or JAN to DEC",
            ),
            (
                "0 0 * * 8",
                "the day of the week `8` is not valid: it is 0 to 7, or SUN to SAT",
            ),
            (
                "0 0 * * Mo",
                "the day of the week `Mo` is not valid: it is 0 to 7, or SUN to SAT",
            ),
            (
                "*/0 * * * *",
                "the minute `*/0` is not valid: it is 0 to 59",
            ),
            (
                "1,,2 * * * *",
                "the minute `1,,2` is not valid: it is 0 to 59",
            ),
            ("-1 * * * *", "the minute `-1` is not valid: it is 0 to 59"),
            ("ä * * * *", "the minute `ä` is not valid: it is 0 to 59"),
        ] {
            let reason = reason(expression, "UTC");
            assert!(reason.starts_with(expected), "{expression}: {reason}");
            assert!(reason.contains("`*/5`"), "{reason}");
        }
        assert_eq!(
            reason("0 22-2 * * *", "UTC"),
            "the hour `22-2` is not valid: a range goes up, so write one to the end and one from the beginning, as a list"
        );
        assert_eq!(
            reason("0 0 ? * 1", "UTC"),
            "the day of the month `?` is not valid: `?` belongs to other kinds of cron, so write `*`"
        );
    }

    #[test]
    fn a_zone_is_one_of_the_database() {
        let zone = |zone: &str| reason("0 9 * * *", zone);
        assert_eq!(
            zone("Europe/Berln"),
            "there is no time zone `Europe/Berln`: did you mean `Europe/Berlin`?"
        );
        assert_eq!(
            zone("Berlin"),
            "there is no time zone `Berlin`: did you mean `Europe/Berlin`?"
        );
        assert_eq!(
            zone("new york"),
            "there is no time zone `new york`: did you mean `America/New_York`?"
        );
        assert_eq!(
            zone(""),
            "the time zone is empty: name one of the IANA database, such as `Europe/Berlin` or `UTC`"
        );
        for none in ["+02:00", "Mars/Olympus_Mons", "../etc/passwd", "0 9 * * *"] {
            assert_eq!(
                zone(none),
                format!(
                    "there is no time zone `{none}`: name one of the IANA database, such as `Europe/Berlin` or `UTC`"
                )
            );
        }
    }

    #[test]
    fn a_day_that_never_comes_is_refused() {
        for expression in ["0 0 30 2 *", "0 0 31 4,6 *", "0 0 31 2 */1"] {
            let reason = reason(expression, "UTC");
            assert!(
                reason.starts_with("there is no such day"),
                "{expression}: {reason}"
            );
        }
        assert!(reason(&"1,".repeat(300), "UTC").starts_with("the expression has 600 bytes"));
    }
}
