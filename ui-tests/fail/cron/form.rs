//! What is checked is a literal.

use actor_core::cron;

fn main() {
    let zone = "UTC";
    let _ = cron!("0 9 * * *", zone);
    let _ = cron!("0 9 * * *");
    let _ = cron!("0 9 * * *", "UTC", "ring");
}
