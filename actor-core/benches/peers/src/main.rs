//! Messages in memory: our actors beside those of kameo, ractor, actix and xtra, and all of them beside the floor, which is
//! what the same work costs with a channel of tokio's and a oneshot for the reply. One process, one run, medians.

mod counting;
mod frameworks;
mod measure;

use frameworks::{Actix, Floor, Kameo, Ours, OursAsync, Ractor, Xtra};
use measure::{Figures, RUNS, measure};

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let only = std::env::args().nth(1);
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let mut all: Vec<(&str, Figures)> = vec![("tokio mpsc + oneshot", Figures::default())];
    let ours: [(&str, bool); 6] = [
        ("ours", wanted("ours")),
        ("ours, async actions", wanted("async")),
        ("kameo", wanted("kameo")),
        ("ractor", wanted("ractor")),
        ("actix", wanted("actix")),
        ("xtra", wanted("xtra")),
    ];
    all.extend(
        ours.iter()
            .filter(|(_, on)| *on)
            .map(|(name, _)| (*name, Figures::default())),
    );
    // Round by round, so that a slow moment of the machine meets all of them.
    for _ in 0..RUNS {
        for (name, figures) in &mut all {
            match *name {
                "ours" => runtime.block_on(measure::<Ours>(figures)),
                "ours, async actions" => runtime.block_on(measure::<OursAsync>(figures)),
                "kameo" => runtime.block_on(measure::<Kameo>(figures)),
                "ractor" => runtime.block_on(measure::<Ractor>(figures)),
                "actix" => runtime.block_on(measure::<Actix>(figures)),
                "xtra" => runtime.block_on(measure::<Xtra>(figures)),
                _ => runtime.block_on(measure::<Floor>(figures)),
            }
        }
    }
    measure::print(&all);
}
