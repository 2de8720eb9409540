//! Runs the engine against a simulated API server and cloud that lose answers, lag, crash and restart, and checks
//! the invariants of `docs/architecture.md` after every step and once the faults stop.
//!
//! Everything is decided by a seed: a failure names it, and `SEED=n cargo test -p vk-node --test simulation`
//! repeats it; `TRACE=uid-3` beside it prints what happened to that pod. `SEEDS=n` sets how many are tried.

#[path = "simulation/cloud.rs"]
mod cloud;
#[path = "simulation/world.rs"]
mod world;

use world::{Faults, World};

fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("SEEDS").unwrap_or(60)).collect(),
    }
}

/// One life: pods come and go for a minute under faults, then the faults stop and everything must settle.
fn live(seed: u64, faults: Faults) -> World {
    let mut world = World::new(seed, faults);
    world.run_for(60_000);
    world.stop_faults();
    world.run_for(400_000);
    world.check_settled();
    world
}

#[test]
fn without_faults_every_pod_gets_one_group_and_leaves_none() {
    for seed in seeds() {
        live(seed, Faults::none()).check_writes();
    }
}

#[test]
fn lost_answers_and_crashes_never_double_leak_or_lose_a_pod() {
    for seed in seeds() {
        live(seed, Faults { lose: 0.15, crash: 0.01, lag_ms: 0, refuse: 0.05, ..Faults::none() });
    }
}

#[test]
fn groups_that_appear_late_are_neither_doubled_nor_leaked() {
    for seed in seeds() {
        live(seed, Faults { lose: 0.15, crash: 0.01, lag_ms: 5_000, refuse: 0.05, ..Faults::none() });
    }
}

#[test]
fn two_processes_at_once_stay_harmless() {
    for seed in seeds() {
        live(seed, Faults { lose: 0.1, crash: 0.01, lag_ms: 2_000, processes: 2, ..Faults::none() });
    }
}

#[test]
fn an_outage_of_the_cloud_ends_no_pod() {
    for seed in seeds() {
        live(seed, Faults { outage: true, crash: 0.005, ..Faults::none() });
    }
}

#[test]
fn a_forged_annotation_touches_nobody_elses_group() {
    for seed in seeds() {
        live(seed, Faults { forge: 0.03, crash: 0.02, lose: 0.05, ..Faults::none() });
    }
}

#[test]
fn reads_that_come_back_empty_or_late_prove_nothing() {
    for seed in seeds() {
        let blind = Faults { blind: true, crash: 0.01, lose: 0.05, missing: 0.1, ..Faults::none() };
        live(seed, blind);
        let slow = Faults { slow_ms: 6_000, lag_ms: 2_000, processes: 2, crash: 0.01, ..Faults::none() };
        live(seed, slow);
    }
}

#[test]
fn a_cloud_that_forgets_tokens_doubles_for_no_longer_than_a_sweep() {
    for seed in seeds() {
        live(seed, Faults { lose: 0.15, crash: 0.01, lag_ms: 3_000, forgets_tokens: true, ..Faults::none() });
    }
}
