//! Names the one thing by which two descriptions of a step differ.

use std::collections::BTreeMap;

use alo_artifacts::{KeptStep, StepDescription};
use camino::Utf8PathBuf;

use super::decision::Why;

/// The first difference, in an order in which causes come before what they cause; none if there is none.
///
/// `changed_file` names a file of the data that differs, if it is known; `code_files` are those of the code now.
pub(super) fn difference(
    before: &KeptStep,
    now: &StepDescription,
    code_files: &BTreeMap<Utf8PathBuf, String>,
    changed_file: impl FnOnce() -> Option<Utf8PathBuf>,
) -> Option<Why> {
    let then = &before.description;
    if then.engine != now.engine {
        return Some(Why::Engine);
    }
    if then.project != now.project {
        return Some(Why::Project);
    }
    if then.code != now.code {
        let file = first_key(&before.code_files, code_files).filter(|_| !before.code_files.is_empty());
        return Some(Why::Code { file });
    }
    arguments(&then.arguments, &now.arguments)
        .or_else(|| environment(then, now))
        .or_else(|| first_key(&then.variables, &now.variables).map(|name| Why::Variable { name }))
        .or_else(|| first_key(&then.plan, &now.plan).map(|key| Why::Plan { key }))
        .or_else(|| {
            let source = first_key(&then.data, &now.data)?;
            Some(Why::Data { file: changed_file().map_or(source, Utf8PathBuf::into_string) })
        })
        .or_else(|| first_key(&then.models, &now.models).map(|file| Why::Model { file }))
        .or_else(|| {
            let (step, _) = now.earlier.clone().filter(|_| then.earlier != now.earlier)?;
            Some(Why::Earlier { step })
        })
        .or_else(|| (then.process != now.process).then_some(Why::Process))
        .or_else(|| (then != now).then_some(Why::Place))
}

fn arguments(before: &[(String, String)], now: &[(String, String)]) -> Option<Why> {
    if before == now {
        return None;
    }
    let map = |list: &[(String, String)]| list.iter().cloned().collect::<BTreeMap<_, _>>();
    let (before, now) = (map(before), map(now));
    let name = first_key(&before, &now);
    Some(name.map_or(Why::ArgumentOrder, |name| Why::Argument {
        before: before.get(&name).cloned(),
        now: now.get(&name).cloned(),
        // Most names are texts, and read better without quotes.
        name: serde_json::from_str(&name).unwrap_or(name),
    }))
}

fn environment(then: &StepDescription, now: &StepDescription) -> Option<Why> {
    if then.python != now.python {
        return Some(Why::Python { before: then.python.clone(), now: now.python.clone() });
    }
    if then.packages != now.packages {
        let map = |list: &[String]| -> BTreeMap<String, String> {
            let name = |package: &String| package.split("==").next().unwrap_or_default().to_owned();
            list.iter().map(|package| (name(package), package.clone())).collect()
        };
        let (before, now) = (map(&then.packages), map(&now.packages));
        let name = first_key(&before, &now)?;
        return Some(Why::Package { before: before.get(&name).cloned(), now: now.get(&name).cloned() });
    }
    (then.environment != now.environment).then_some(Why::Environment)
}

/// The first key whose value is not the same in both.
pub(super) fn first_key<K: Ord + Clone, V: PartialEq>(
    before: &BTreeMap<K, V>,
    now: &BTreeMap<K, V>,
) -> Option<K> {
    let changed = now.iter().find(|(key, value)| before.get(key) != Some(value)).map(|(key, _)| key);
    changed.or_else(|| before.keys().find(|key| !now.contains_key(key))).cloned()
}
