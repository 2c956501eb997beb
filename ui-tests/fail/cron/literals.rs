//! Each literal that is wrong is said at its place.

use actor_core::cron;

fn main() {
    let _ = cron!("0 0 9 * * 1-5", "Europe/Berlin");
    let _ = cron!("@daily", "Europe/Berln");
    let _ = cron!("0 24 * * *", "UTC");
    let _ = cron!("0 0 30 2 *", "UTC");
}
