//! "Did you mean": the nearest of the allowed names, and lists of names for messages.

/// Returns the candidate that `written` most likely stands for, if one is near enough.
pub(crate) fn nearest<'a>(written: &str, candidates: &[&'a str]) -> Option<&'a str> {
    // One slip for every three letters: more would suggest unrelated words, and short words are all alike.
    let allowed = (written.chars().count() / 3).max(1);
    candidates
        .iter()
        .map(|candidate| (distance(written, candidate), *candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Writes "did you mean `…`?", or what is allowed when nothing is near.
pub(crate) fn did_you_mean(written: &str, candidates: &[&str], otherwise: String) -> String {
    match nearest(written, candidates) {
        Some(candidate) => format!("did you mean `{candidate}`? {otherwise}"),
        None => otherwise,
    }
}

/// Writes names as a list: "`a`, `b` and `c`".
pub(crate) fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Counts the insertions, deletions, changes and swaps of neighbours that lead from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let changed = usize::from(from[i - 1] != to[j - 1]);
            let mut least = (rows[i - 1][j] + 1)
                .min(row[j - 1] + 1)
                .min(rows[i - 1][j - 1] + changed);
            let swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if swapped {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word() {
        let hooks = ["on_wake", "on_sleep", "action", "run"];
        assert_eq!(nearest("on_wkae", &hooks), Some("on_wake"));
        assert_eq!(nearest("on_slep", &hooks), Some("on_sleep"));
        assert_eq!(nearest("actions", &hooks), Some("action"));
        assert_eq!(nearest("runs", &hooks), Some("run"));
    }

    #[test]
    fn unrelated_words_find_nothing() {
        let hooks = ["on_wake", "on_sleep", "action", "run"];
        for word in ["inline", "test", "cold", "instrument", "rs"] {
            assert_eq!(nearest(word, &hooks), None, "{word}");
        }
    }

    #[test]
    fn distances_count_a_swap_as_one() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("abc", "acb"), 1);
        assert_eq!(distance("timeout", "tiemout"), 1);
    }

    #[test]
    fn lists_read_as_a_sentence() {
        assert_eq!(list(&[]), "nothing");
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
