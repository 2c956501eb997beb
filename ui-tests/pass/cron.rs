//! A checked expression may come through another macro, and be a constant.

use actor_core::{Cron, cron};

macro_rules! at_nine {
    ($zone:literal) => {
        cron!("0 9 * * *", $zone)
    };
    (expression $zone:expr) => {
        cron!("0 9 * * *", $zone)
    };
}

const BERLIN: Cron = at_nine!("Europe/Berlin");

fn main() {
    assert_eq!(BERLIN.zone(), "Europe/Berlin");
    assert_eq!(at_nine!(expression "UTC"), cron!("0 9 * * *", "UTC",));
}
