//! Power cuts at every operation around a start, a shutdown and the first commits after a start: the list is that of the actors that are
//! there, and what they have stored runs.

use std::time::Duration;

use actor_core::testing::{Lab, Unsynced};

use crate::alarm::{Alarm, lab};
use crate::support::key;

/// Creates an actor with a timer, ends the system in order, starts it, and does the same again. Returns who was acknowledged.
async fn script(lab: &mut Lab) -> Vec<&'static str> {
    let mut acknowledged = Vec::new();
    if set(lab, "a").await {
        acknowledged.push("a");
    }
    if lab.restart().await.is_err() {
        return acknowledged;
    }
    for name in ["b", "c"] {
        if set(lab, name).await {
            acknowledged.push(name);
        }
    }
    let _ = lab.restart().await;
    acknowledged
}

/// Has an actor ring in ten seconds, and returns whether that was acknowledged.
async fn set(lab: &mut Lab, name: &str) -> bool {
    let alarm = lab.get_or_create::<Alarm>(name, ());
    let call = alarm.ring("rang").after(Duration::from_secs(10));
    call.await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_cut_at_any_operation_leaves_a_list_of_those_that_are_there_and_their_timers_run() {
    let operations = {
        let mut lab = lab().start().await.unwrap();
        assert_eq!(script(&mut lab).await, ["a", "b", "c"]);
        lab.disk().operations()
    };
    assert!(operations > 30, "the script does something: {operations}");
    for at in 0..operations {
        for unsynced in [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn { seed: at }] {
            let mut lab = lab().start().await.unwrap();
            if lab.disk().operations() > at {
                continue;
            }
            lab.disk().cut_power_at(at);
            let acknowledged = script(&mut lab).await;
            lab.power_cut_with(unsynced).await.unwrap();
            let listed = lab.system().list::<Alarm>(None, 10).await.unwrap();
            let listed: Vec<_> = listed.iter().map(|one| one.key.to_string()).collect();
            for name in acknowledged {
                assert!(
                    listed.iter().any(|one| one == name),
                    "cut at {at}: {listed:?}"
                );
            }
            lab.advance(Duration::from_secs(20)).await;
            for name in ["a", "b", "c"] {
                let rings = lab.get::<Alarm>(key(name)).rings().await;
                let is_listed = listed.iter().any(|one| one == name);
                assert_eq!(
                    rings.is_ok(),
                    is_listed,
                    "cut at {at}: {name} of {listed:?}"
                );
                if let Ok(rings) = rings {
                    let timers = lab.get::<Alarm>(key(name)).timers().await.unwrap();
                    assert!(timers.is_empty(), "cut at {at}: {name} has {timers:?}");
                    assert!(rings.len() <= 1, "cut at {at}: {name} rang {rings:?}");
                }
            }
        }
    }
}
