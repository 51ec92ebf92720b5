//! Which moments of a run are tried for a fault.

/// What decides which moments are tried: `ALO_FAULT_SEED`, or always the same.
pub fn fault_seed() -> u64 {
    std::env::var("ALO_FAULT_SEED").ok().map_or(20_261_123, |seed| seed.parse().expect("a number"))
}

/// Which of so many steps to try: as many as wanted, or as `ALO_FAULT_POINTS` says (`all`, or a number), spread by the seed.
pub fn fault_points(steps: usize, wanted: usize) -> Vec<usize> {
    let wanted = match std::env::var("ALO_FAULT_POINTS").as_deref() {
        Ok("all") => steps,
        Ok(number) => number.parse().expect("a number"),
        Err(_) => wanted,
    };
    let mut all: Vec<usize> = (1..=steps).collect();
    fastrand::Rng::with_seed(fault_seed()).shuffle(&mut all);
    all.truncate(wanted);
    all
}
