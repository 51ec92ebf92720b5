//! What a set-up lacks when no network may be used: all of it at once, so that one `alo fetch` brings it.

use std::fmt;

use alo_plan::StepName;

use crate::SetupEvent;
use crate::environment::{EnvironmentError, Environments, Wanted, shown};
use crate::git::GitRef;
use crate::grouping::{Grouping, GroupingError, StepNeeds};

/// Something that would have to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// The code of a step.
    Code {
        /// The step.
        step: StepName,
        /// Its repository, without credentials.
        url: String,
        /// Branch, tag or commit of the plan; `None` is the default branch.
        reference: Option<GitRef>,
    },
    /// Packages of an environment.
    Packages {
        /// The steps that need them, in the order of execution.
        steps: Vec<StepName>,
        /// What would be installed, as far as it is known: exact packages of `alo.lock`, else the requirements. Without credentials.
        packages: Vec<String>,
        /// What the installer says of the first that it did not find.
        because: String,
    },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { step, url, reference: Some(reference) } => {
                write!(f, "step `{step}`: `{reference}` of `{url}` is not in the cache")
            }
            Self::Code { step, url, reference: None } => {
                write!(f, "step `{step}`: the default branch of `{url}` is not in the cache")
            }
            Self::Packages { steps, packages, because } => {
                let word = if steps.len() == 1 { "step" } else { "steps" };
                let steps: Vec<_> = steps.iter().map(|step| format!("`{step}`")).collect();
                let packages: Vec<_> = packages.iter().map(|package| format!("`{package}`")).collect();
                write!(
                    f,
                    "{word} {}: of the packages {} not all are on this machine ({because})",
                    steps.join(", "),
                    packages.join(", ")
                )
            }
        }
    }
}

/// All of it, in words.
pub(crate) fn list(missing: &[Missing]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Packages that an environment lacks because of `error`; `None` if the error is of another kind.
pub(crate) fn packages(
    steps: Vec<StepName>,
    packages: Vec<String>,
    error: &EnvironmentError,
) -> Option<Missing> {
    error.lack().map(|because| Missing::Packages { steps, packages, because })
}

/// What the steps lack, each for itself, after they could not be resolved together because of `error`.
///
/// # Errors
/// An error that no network would help against: that of a step, else the given one.
pub(crate) fn of_steps(
    grouping: &Grouping<'_>,
    error: GroupingError,
    observer: &mut dyn FnMut(SetupEvent),
) -> Result<Vec<Missing>, GroupingError> {
    let Some(because) = error.source.lack() else { return Err(error) };
    let mut missing = Vec::new();
    for needs in grouping.steps {
        missing.extend(of_step(grouping, needs, observer)?);
    }
    if missing.is_empty() {
        // Each alone is there; what they come to together is not.
        let steps = grouping.steps.iter().map(|needs| needs.name.clone()).collect();
        let wanted = grouping.steps.iter().flat_map(|needs| shown(&needs.set)).collect();
        missing.push(Missing::Packages { steps, packages: wanted, because });
    }
    Ok(missing)
}

/// What one step lacks by itself.
pub(crate) fn of_step(
    grouping: &Grouping<'_>,
    needs: &StepNeeds,
    observer: &mut dyn FnMut(SetupEvent),
) -> Result<Option<Missing>, GroupingError> {
    match grouping.resolver.resolve_or_fail(&grouping.completed(needs.set.clone()), &[&needs.name], observer)
    {
        Ok(_) => Ok(None),
        Err(source) => packages(vec![needs.name.clone()], shown(&needs.set), &source)
            .map(Some)
            .ok_or_else(|| GroupingError { step: Some(needs.name.clone()), source }),
    }
}

/// What the environments of the steps lack whose requirements are known, though their code or that of others is missing.
pub(crate) fn beside_code(
    grouping: &Grouping<'_>,
    is_all_known: bool,
    cache: &Environments<'_>,
    observer: &mut dyn FnMut(SetupEvent),
) -> Result<Vec<Missing>, GroupingError> {
    if !is_all_known {
        // What the lock has for all steps together cannot be told apart: only what it does not have is looked for.
        let mut missing = Vec::new();
        for needs in grouping.steps {
            if !grouping.resolver.has_locked(&needs.name) {
                missing.extend(of_step(grouping, needs, observer)?);
            }
        }
        return Ok(missing);
    }
    let (groups, _) = match grouping.decide(observer) {
        Ok(decided) => decided,
        Err(error) => return of_steps(grouping, error, observer),
    };
    let mut missing = Vec::new();
    for group in &groups {
        let wanted = Wanted { resolution: &group.resolved.resolution, requirements: &group.set };
        if let Err(source) = cache.ensure(wanted, observer) {
            missing.push(grouping.lacking(group, &source).ok_or_else(|| GroupingError::from(source))?);
        }
    }
    Ok(missing)
}
