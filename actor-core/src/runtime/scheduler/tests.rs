//! The page of wake-ups that is in memory, against the whole directory.

use super::*;

fn wake_up(due: i64, key: u32) -> WakeUp {
    WakeUp {
        due,
        actor: "actor".to_owned(),
        key: format!("{key:04}"),
    }
}

/// A directory and an agenda with small pages, driven as the task does it.
struct Fleet {
    directory: BTreeSet<WakeUp>,
    agenda: Agenda,
    most: usize,
}

impl Fleet {
    fn new(directory: BTreeSet<WakeUp>) -> Self {
        Self {
            directory,
            agenda: Agenda::new(4),
            most: 0,
        }
    }

    fn arm(&mut self, due: i64, key: u32) {
        self.directory
            .retain(|known| known.key != wake_up(0, key).key);
        self.directory.insert(wake_up(due, key));
        self.agenda.forget("actor", &wake_up(0, key).key);
        self.agenda.insert(wake_up(due, key));
        self.agenda.shrink();
    }

    /// Returns what is handed out at `now`. Each of them says that it has no more.
    fn at(&mut self, now: i64) -> Vec<WakeUp> {
        let mut fired = Vec::new();
        loop {
            self.most = self.most.max(self.agenda.order.len());
            match self.agenda.step(now) {
                Step::Fire(due) => {
                    for wake_up in due {
                        self.agenda.forget("actor", &wake_up.key);
                        self.directory.remove(&wake_up);
                        fired.push(wake_up);
                    }
                }
                Step::Read(after) => {
                    let rows = self.directory.iter();
                    let behind = rows.filter(|row| after.as_ref().is_none_or(|a| *row > a));
                    let page = behind.take(self.agenda.page).cloned().collect();
                    self.agenda.read(page);
                }
                Step::Doze(_) => unreachable!("nobody is enrolled"),
                Step::Wait(_) => return fired,
            }
        }
    }
}

#[test]
fn all_of_a_large_fleet_are_woken_in_order_with_a_few_in_memory() {
    let all: BTreeSet<_> = (0..100)
        .map(|key| wake_up(i64::from(key * 37 % 20), key))
        .collect();
    let mut fleet = Fleet::new(all.clone());
    let fired: Vec<_> = (0..20).flat_map(|now| fleet.at(now)).collect();
    assert_eq!(fired, all.into_iter().collect::<Vec<_>>());
    assert_eq!(fleet.most, 4);
}

#[test]
fn what_is_armed_beyond_the_horizon_is_read_when_it_comes_near() {
    let mut fleet = Fleet::new((0..4).map(|key| wake_up(10, key)).collect());
    assert_eq!(fleet.at(0), []);
    for key in 4..50 {
        fleet.arm(i64::from(200 - key), key);
        assert!(fleet.agenda.order.len() <= 8);
    }
    // One that was far away comes first.
    fleet.arm(5, 49);
    assert_eq!(fleet.at(5), [wake_up(5, 49)]);
    assert_eq!(fleet.at(10).len(), 4);
    let rest: Vec<_> = (11..200).flat_map(|now| fleet.at(now)).collect();
    let expected: Vec<_> = (4..49)
        .rev()
        .map(|key| wake_up(i64::from(200 - key), key))
        .collect();
    assert_eq!(rest, expected);
}

#[test]
fn a_notice_without_an_answer_comes_again() {
    let mut agenda = Agenda::new(4);
    agenda.read(vec![wake_up(10, 1)]);
    assert!(matches!(agenda.step(10), Step::Fire(due) if due == [wake_up(10, 1)]));
    assert!(matches!(agenda.step(11), Step::Wait(Some(_))));
    let again = 10 + duration_ms(limits::WAKE_UP_AGAIN);
    assert!(matches!(agenda.step(again), Step::Fire(due) if due == [wake_up(again, 1)]));
    agenda.forget("actor", "0001");
    assert!(matches!(agenda.step(again * 2), Step::Wait(None)));
}
