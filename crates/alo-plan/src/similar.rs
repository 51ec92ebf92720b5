//! Names that are close to a wrong one, for "did you mean".

/// So many names are compared with a wrong one: a hostile plan could have a hundred thousand of each.
const MOST_COMPARED: usize = 200;

/// At most two names that are close to the wrong one, the closest first.
///
/// ```
/// assert_eq!(alo_plan::similar("trian", ["input", "train"]), ["train"]);
/// ```
pub fn similar<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    // No name is that long.
    if wrong.len() > 100 {
        return Vec::new();
    }
    let wrong = wrong.to_lowercase();
    let mut close: Vec<(f64, &str)> = known
        .into_iter()
        .take(MOST_COMPARED)
        .filter(|name| name.len() <= 100)
        .map(|name| (strsim::jaro_winkler(&wrong, &name.to_lowercase()), name))
        .filter(|(likeness, name)| {
            let distance = strsim::damerau_levenshtein(&wrong, &name.to_lowercase());
            *likeness > 0.8 && distance <= 2.max(name.chars().count() / 3)
        })
        .collect();
    close.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    close.into_iter().take(2).map(|(_, name)| name).collect()
}
