//! What a set-up has made ready, and what it has changed: what `alo fetch` and `alo update` show.

use std::collections::{BTreeMap, BTreeSet};

use alo_assets::{AssetCode, CodeIdentity, Environment, Lockfile, PreparedPipeline};
use alo_plan::{PipelineKind, Plan};
use camino::Utf8PathBuf;
use serde::Serialize;

/// A project whose pipelines can run.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct FetchReport {
    /// Name of the contents.
    pub name: String,
    /// The project's folder.
    pub project: Utf8PathBuf,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The pipelines that were made ready, in order.
    pub pipelines: Vec<FetchedPipeline>,
    /// The steps whose commit in `alo.lock` is another than before.
    pub code_changes: Vec<CodeChange>,
    /// The packages whose version in `alo.lock` is another than before.
    pub package_changes: Vec<PackageChange>,
}

/// A pipeline that can run.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FetchedPipeline {
    /// Which one.
    pub pipeline: PipelineKind,
    /// Its steps, in order.
    pub steps: Vec<FetchedStep>,
    /// The environments they run in.
    pub environments: Vec<FetchedEnvironment>,
}

/// A step that can run.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FetchedStep {
    /// Its name.
    pub name: String,
    /// What code it runs.
    pub code: CodeIdentity,
    /// The folder of the code.
    pub folder: Utf8PathBuf,
    /// Its environment: an index of [`FetchedPipeline::environments`].
    pub environment: usize,
}

/// An environment that steps can run in.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FetchedEnvironment {
    /// What tells it from others.
    pub key: String,
    /// The version of its Python.
    pub python: String,
    /// Its folder.
    pub folder: Utf8PathBuf,
    /// What is installed: `name==version`, sorted by name.
    pub packages: Vec<String>,
}

/// A step that runs another commit than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CodeChange {
    /// Its pipeline.
    pub pipeline: PipelineKind,
    /// Its name.
    pub step: String,
    /// The commit before; none if there was none.
    pub was: Option<String>,
    /// The commit now; none if it runs no fetched code any more.
    pub now: Option<String>,
}

/// A package that is installed in another version than before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct PackageChange {
    /// Its name.
    pub package: String,
    /// The version before; none if it was not there. Several, where environments differ, are separated by commas.
    pub was: Option<String>,
    /// The version now; none if it is not there any more.
    pub now: Option<String>,
}

impl FetchedPipeline {
    pub(crate) fn new(pipeline: PipelineKind, prepared: &PreparedPipeline) -> Self {
        let steps = prepared.steps.iter().map(|step| {
            let AssetCode { identity, folder, .. } = &step.code;
            FetchedStep {
                name: step.name.to_string(),
                code: identity.clone(),
                folder: folder.clone(),
                environment: step.environment,
            }
        });
        let environments = prepared.environments.iter().map(|environment| {
            let Environment { key, version, folder, packages, .. } = environment;
            FetchedEnvironment {
                key: key.clone(),
                python: version.to_string(),
                folder: folder.clone(),
                packages: packages.clone(),
            }
        });
        Self { pipeline, steps: steps.collect(), environments: environments.collect() }
    }
}

/// The steps of a plan whose pins differ between two lock files.
pub(crate) fn code_changes(plan: &Plan, before: &Lockfile, after: &Lockfile) -> Vec<CodeChange> {
    let steps =
        plan.pipelines.iter().flat_map(|pipeline| pipeline.steps.iter().map(|step| (pipeline.kind, step)));
    steps
        .filter_map(|(pipeline, step)| {
            let commit = |lock: &Lockfile| lock.pin(pipeline, &step.name).map(|pin| pin.commit.to_string());
            let (was, now) = (commit(before), commit(after));
            (was != now).then(|| CodeChange { pipeline, step: step.name.to_string(), was, now })
        })
        .collect()
}

/// The packages whose versions differ between two lock files.
pub(crate) fn package_changes(before: &Lockfile, after: &Lockfile) -> Vec<PackageChange> {
    let (before, after) = (versions(before), versions(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let shown = |versions: &BTreeMap<String, BTreeSet<String>>, name: &String| {
        versions.get(name).map(|versions| versions.iter().cloned().collect::<Vec<_>>().join(", "))
    };
    names
        .into_iter()
        .map(|name| PackageChange {
            package: name.clone(),
            was: shown(&before, name),
            now: shown(&after, name),
        })
        .filter(|change| change.was != change.now)
        .collect()
}

/// The versions of each package in all environments of a lock file; a package without one is from a URL.
fn versions(lock: &Lockfile) -> BTreeMap<String, BTreeSet<String>> {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in lock.environments().iter().flat_map(|environment| environment.packages.packages()) {
        let version = package.version.clone().unwrap_or_else(|| "of its URL".to_owned());
        versions.entry(package.name.clone()).or_default().insert(version);
    }
    versions
}
