//! The fewest groups of steps that fit together.

/// How many sets the search for fewer groups may ask about: a resolver needs up to seconds for each.
const PATIENCE: usize = 24;

/// Puts each of `count` steps, in order, into the first group it fits; looks for fewer groups if these are more than two.
///
/// Two are the fewest wherever not all fit together. `fits` is asked about groups in ascending order.
pub(super) fn fewest<E>(
    count: usize,
    fits: &mut dyn FnMut(&[usize]) -> Result<bool, E>,
) -> Result<Vec<Vec<usize>>, E> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for step in 0..count {
        let mut home = None;
        for (index, group) in groups.iter().enumerate() {
            if fits(&with(group, step))? {
                home = Some(index);
                break;
            }
        }
        match home.and_then(|index| groups.get_mut(index)) {
            Some(group) => group.push(step),
            None => groups.push(vec![step]),
        }
    }
    let mut patience = PATIENCE;
    for limit in 2..groups.len() {
        let mut found = Vec::new();
        if search(0, count, limit, &mut found, &mut patience, fits)? {
            return Ok(found);
        }
    }
    Ok(groups)
}

/// Puts the steps from `step` on into at most `limit` groups, trying every way until patience ends.
fn search<E>(
    step: usize,
    count: usize,
    limit: usize,
    groups: &mut Vec<Vec<usize>>,
    patience: &mut usize,
    fits: &mut dyn FnMut(&[usize]) -> Result<bool, E>,
) -> Result<bool, E> {
    if step == count {
        return Ok(true);
    }
    for index in 0..groups.len() {
        let Some(group) = groups.get(index) else { continue };
        let tried = with(group, step);
        if *patience == 0 {
            return Ok(false);
        }
        *patience -= 1;
        if fits(&tried)? {
            if let Some(group) = groups.get_mut(index) {
                *group = tried;
            }
            if search(step + 1, count, limit, groups, patience, fits)? {
                return Ok(true);
            }
            if let Some(group) = groups.get_mut(index) {
                group.pop();
            }
        }
    }
    if groups.len() < limit {
        groups.push(vec![step]);
        if search(step + 1, count, limit, groups, patience, fits)? {
            return Ok(true);
        }
        groups.pop();
    }
    Ok(false)
}

fn with(group: &[usize], step: usize) -> Vec<usize> {
    group.iter().copied().chain([step]).collect()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn groups(count: usize, clashes: &[(usize, usize)]) -> Vec<Vec<usize>> {
        let mut fits = |group: &[usize]| {
            let has = |step: &usize| group.contains(step);
            Ok::<_, Infallible>(!clashes.iter().any(|(one, other)| has(one) && has(other)))
        };
        let Ok(groups) = fewest(count, &mut fits);
        groups
    }

    #[test]
    fn the_first_group_that_fits_takes_a_step() {
        assert_eq!(groups(3, &[]), [vec![0, 1, 2]]);
        assert_eq!(groups(4, &[(0, 1)]), [vec![0, 2, 3], vec![1]]);
        assert_eq!(groups(3, &[(0, 1), (1, 2), (0, 2)]), [[0], [1], [2]]);
        assert_eq!(groups(0, &[]), [[0; 0]; 0]);
    }

    #[test]
    fn a_better_way_than_the_first_is_found() {
        // First fit puts 0 and 1 together, then needs two more groups; two are enough.
        let clashes = [(0, 3), (1, 2), (2, 3)];
        assert_eq!(groups(4, &clashes), [vec![0, 2], vec![1, 3]]);
    }
}
