//! Durations as text: `"250ms"`, `"30s"`, `"1m30s"`.

/// The longest duration: a hundred years, far beyond any use and far below every overflow of the runtime's clocks.
const LONGEST_MS: u64 = 100 * 365 * 24 * 60 * 60 * 1000;

/// The units, from the largest to the smallest, in milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Why a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It is not made of numbers and units.
    Form,
    /// It is nothing at all.
    Zero,
    /// It is over a hundred years.
    TooLong,
}

/// Reads a duration, in milliseconds.
pub(crate) fn parse(text: &str) -> Result<u64, Problem> {
    if text.is_empty() {
        return Err(Problem::Form);
    }
    let (mut rest, mut total, mut units) = (text, 0_u64, UNITS.as_slice());
    while !rest.is_empty() {
        let (number, after) = split_where(rest, |c| !c.is_ascii_digit());
        let (unit, after) = split_where(after, |c| c.is_ascii_digit());
        // Each unit may follow only larger ones, so that a text has one reading.
        let position = units.iter().position(|(name, _)| *name == unit);
        let (Some(position), false) = (position, number.is_empty()) else {
            return Err(Problem::Form);
        };
        let number: u64 = number.parse().map_err(|_| Problem::TooLong)?;
        total = number
            .checked_mul(units[position].1)
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= LONGEST_MS)
            .ok_or(Problem::TooLong)?;
        (rest, units) = (after, &units[position + 1..]);
    }
    if total == 0 {
        Err(Problem::Zero)
    } else {
        Ok(total)
    }
}

/// Splits a text before the first character that ends its first part.
fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_durations() {
        assert_eq!(parse("250ms"), Ok(250));
        assert_eq!(parse("30s"), Ok(30_000));
        assert_eq!(parse("5m"), Ok(300_000));
        assert_eq!(parse("1h"), Ok(3_600_000));
        assert_eq!(parse("1m30s"), Ok(90_000));
        assert_eq!(parse("1h2m3s4ms"), Ok(3_723_004));
    }

    #[test]
    fn everything_else_is_refused() {
        let wrong = [
            "", "s", "3", "1.5s", "-1s", "1 s", "30s1m", "1s1s", "1d", "soon", "1S",
        ];
        for text in wrong {
            assert_eq!(parse(text), Err(Problem::Form), "{text}");
        }
        assert_eq!(parse("0s"), Err(Problem::Zero));
        assert_eq!(parse("0h0ms"), Err(Problem::Zero));
        assert_eq!(parse("876001h"), Err(Problem::TooLong));
        assert_eq!(parse("99999999999999999999s"), Err(Problem::TooLong));
        assert_eq!(parse("876000h"), Ok(LONGEST_MS));
    }
}
