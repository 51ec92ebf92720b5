//! The arithmetic of a summary's numbers, as Python does it.
//!
//! `round(x, 2)` rounds the exact binary value, ties to even; Rust's formatting with two digits does the same, which
//! the tests hold against values taken from Python.

/// A number in hundredths, rounded as Python's `round(x, 2)`; `None` for what is not finite or absurdly large.
pub(crate) fn hundredths(number: f64) -> Option<i64> {
    if !number.is_finite() || number.abs() > 1e12 {
        return None;
    }
    let text = format!("{number:.2}");
    let (whole, cents) = text.split_once('.')?;
    format!("{whole}{cents}").parse().ok()
}

/// The number of so many hundredths: the one that prints with at most two decimals.
#[expect(clippy::cast_precision_loss, reason = "hundredths of numbers up to 1e12 fit a double")]
pub(crate) fn from_hundredths(hundredths: i64) -> f64 {
    hundredths as f64 / 100.0
}

/// Why numbers are no probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum NotProbabilities {
    /// One of them, by its index, is not a number from 0 to 1.
    Value(usize),
    /// They do not add up to 1.
    Sum(f64),
}

/// Rounds probabilities to two decimals so that they add up to exactly 1: the largest takes what is left.
///
/// As in the original their sum must round to 1, that is lie between 0.5 and 1.5.
pub(crate) fn rounded(probabilities: &[f64]) -> Result<Vec<f64>, NotProbabilities> {
    let mut all = Vec::with_capacity(probabilities.len());
    for (at, number) in probabilities.iter().enumerate() {
        match hundredths(*number) {
            Some(rounded) if rounded >= 0 && *number < 1.5 => all.push(rounded),
            _ => return Err(NotProbabilities::Value(at)),
        }
    }
    let sum: f64 = probabilities.iter().sum();
    // Python rounds halves to even: 0.5 gives 0, 1.5 gives 2.
    if !(sum > 0.5 && sum < 1.5) {
        return Err(NotProbabilities::Sum(sum));
    }
    // The first of equals, as Python's `max` takes it.
    let largest = (0..probabilities.len())
        .reduce(|best, at| if probabilities[at] > probabilities[best] { at } else { best });
    if let Some(largest) = largest {
        let others = all.iter().sum::<i64>() - all[largest];
        if others > 100 {
            return Err(NotProbabilities::Sum(sum));
        }
        all[largest] = 100 - others;
    }
    Ok(all.into_iter().map(from_hundredths).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_that_of_python() {
        // `round(x, 2)` of CPython 3.10; halves that no binary number hits exactly go where their bits lie.
        let python = [
            (0.145, 14),
            (0.005, 1),
            (0.615, 61),
            (0.715, 71),
            (0.135, 14),
            (0.15, 15),
            (0.125, 12),
            (0.375, 38),
            (0.625, 62),
            (0.875, 88),
            (0.015, 1),
            (0.025, 3),
            (0.035, 4),
            (0.045, 4),
            (0.115, 12),
            (0.285, 28),
            (0.575, 57),
            (0.995, 99),
            (1.005, 100),
            (0.0, 0),
            (1.0, 100),
            (0.1 + 0.2, 30),
            (1e-300, 0),
            (-0.001, 0),
            (0.994_999_999_999_999_9, 99),
        ];
        for (number, expected) in python {
            assert_eq!(hundredths(number), Some(expected), "{number}");
        }
        assert_eq!(hundredths(f64::NAN), None);
        assert_eq!(hundredths(f64::INFINITY), None);
    }

    #[test]
    fn the_largest_takes_what_is_left() {
        assert_eq!(rounded(&[0.715, 0.135, 0.15]), Ok(vec![0.71, 0.14, 0.15]));
        assert_eq!(rounded(&[1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]), Ok(vec![0.34, 0.33, 0.33]));
        assert_eq!(rounded(&[0.005, 0.005, 0.99]), Ok(vec![0.01, 0.01, 0.98]));
        assert_eq!(rounded(&[0.2, 0.4]), Ok(vec![0.2, 0.8]));
        assert_eq!(rounded(&[1.0]), Ok(vec![1.0]));
        assert_eq!(rounded(&[1.2]), Ok(vec![1.0]));
    }

    #[test]
    fn what_adds_up_to_something_else_is_refused() {
        for wrong in [&[0.5][..], &[0.75, 0.75], &[], &[0.6, 0.9]] {
            assert!(matches!(rounded(wrong), Err(NotProbabilities::Sum(_))), "{wrong:?}");
        }
        assert_eq!(rounded(&[0.5, -0.2, 0.7]), Err(NotProbabilities::Value(1)));
        assert_eq!(rounded(&[f64::NAN]), Err(NotProbabilities::Value(0)));
        // Twenty times 0.07: what is left for the largest would be below zero.
        assert!(matches!(rounded(&[0.07; 20]), Err(NotProbabilities::Sum(_))));
    }

    #[test]
    fn every_result_adds_up_to_one() {
        for seed in 1..2000_u32 {
            let parts: Vec<f64> =
                (0..5).map(|at| f64::from((seed * 7919 + at * 104_729) % 1000) + 1.0).collect();
            let total: f64 = parts.iter().sum();
            let shares: Vec<f64> = parts.iter().map(|part| part / total).collect();
            let rounded = rounded(&shares).expect("they add up to one");
            let sum: i64 = rounded.iter().filter_map(|share| hundredths(*share)).sum();
            assert_eq!(sum, 100, "{shares:?}");
        }
    }
}
