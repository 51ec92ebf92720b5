//! What a set-up has made ready, and what it has changed: what `alo fetch` and `alo update` show.

use std::collections::{BTreeMap, BTreeSet};

use alo_assets::{
    AssetCode, CodeIdentity, Environment, Lockfile, PackageSource, PreparedPipeline, ResolvedPackage,
};
use alo_plan::{PipelineKind, Plan};
use camino::Utf8PathBuf;
use serde::Serialize;

/// How many letters of commits and digests are shown.
const SHORT: usize = 12;

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
    /// The packages that are others in `alo.lock` than before.
    pub package_changes: Vec<PackageChange>,
    /// The pipelines whose steps share environments in another way than before.
    pub group_changes: Vec<GroupChange>,
    /// Whether `alo.lock` says anything else than before.
    pub lock_changed: bool,
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

/// A package that is installed in another version than before, or from other files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct PackageChange {
    /// Its name.
    pub package: String,
    /// The version before, with the commit or digest of what is from no index; none if it was not there. Several, where
    /// environments differ, are separated by commas.
    pub was: Option<String>,
    /// The version now; none if it is not there any more.
    pub now: Option<String>,
}

/// A pipeline whose steps share environments in another way than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GroupChange {
    /// Which one.
    pub pipeline: PipelineKind,
    /// The steps of each environment before.
    pub was: Vec<Vec<String>>,
    /// The steps of each environment now.
    pub now: Vec<Vec<String>>,
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

/// The packages that are others in two lock files.
pub(crate) fn package_changes(before: &Lockfile, after: &Lockfile) -> Vec<PackageChange> {
    let (before, after) = (packages(before), packages(after));
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let changed = names.into_iter().filter(|name| before.get(name) != after.get(name));
    changed
        .map(|name| {
            let shown = |packages: &Packages<'_>| packages.get(name).map(|packages| versions(packages));
            let (was, mut now) = (shown(&before), shown(&after));
            if was == now {
                now = now.map(|version| format!("{version} (other files)"));
            }
            PackageChange { package: name.to_owned(), was, now }
        })
        .collect()
}

/// The pipelines whose steps share environments in another way than before. One that had none is not among them.
pub(crate) fn group_changes(plan: &Plan, before: &Lockfile, after: &Lockfile) -> Vec<GroupChange> {
    let kinds = plan.pipelines.iter().map(|pipeline| pipeline.kind);
    kinds
        .filter_map(|pipeline| {
            let groups = |lock: &Lockfile| {
                let members = lock.environments().iter().filter_map(|entry| entry.members(pipeline));
                members.map(|members| members.steps.clone()).collect::<BTreeSet<_>>()
            };
            let (was, now) = (groups(before), groups(after));
            let is_other = was != now && !was.is_empty() && !now.is_empty();
            is_other.then(|| GroupChange {
                pipeline,
                was: was.into_iter().collect(),
                now: now.into_iter().collect(),
            })
        })
        .collect()
}

/// The packages of all environments, by their names.
type Packages<'a> = BTreeMap<&'a str, Vec<&'a ResolvedPackage>>;

fn packages(lock: &Lockfile) -> Packages<'_> {
    let mut packages = Packages::new();
    for package in lock.environments().iter().flat_map(|environment| environment.packages.packages()) {
        let known = packages.entry(&package.name).or_default();
        if !known.contains(&package) {
            known.push(package);
        }
    }
    for known in packages.values_mut() {
        known.sort_by_key(|package| format!("{package} {:?} {:?}", package.source, package.hashes));
    }
    packages
}

/// The versions of one package, each once.
fn versions(packages: &[&ResolvedPackage]) -> String {
    let versions: BTreeSet<_> = packages.iter().map(|package| version(package)).collect();
    versions.into_iter().collect::<Vec<_>>().join(", ")
}

/// The version of a package; of one that is not from an index also the state of its source, for that may change alone.
fn version(package: &ResolvedPackage) -> String {
    let short = |digest: &str| digest.chars().take(SHORT).collect::<String>();
    let state = match &package.source {
        PackageSource::Url(url) => commit(url).map_or_else(|| url.clone(), short),
        PackageSource::Path { digest, .. } => short(digest),
        _ => return package.version.clone().unwrap_or_default(),
    };
    match &package.version {
        Some(version) => format!("{version} ({state})"),
        None => state,
    }
}

/// The commit in the URL of a git repository.
fn commit(url: &str) -> Option<&str> {
    let commit = url.split('#').next()?.rsplit('@').next()?;
    let is_commit = matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then_some(commit)
}

#[cfg(test)]
mod tests {
    use alo_plan::{Pipeline, Step};

    use super::*;

    const FIRST: &str = "0123456789abcdef0123456789abcdef01234567";
    const SECOND: &str = "fedcba9876543210fedcba9876543210fedcba98";

    fn lock(entries: &[(&[&str], &str)]) -> (tempfile::TempDir, Lockfile) {
        let folder = tempfile::tempdir().unwrap();
        let entries = entries.iter().map(|(steps, packages)| {
            format!(
                "- python: 3.10.1\n  train_pipeline: {{steps: {steps:?}, digest: d}}\n  packages: [{packages}]\n"
            )
        });
        let text = format!("version: 1\nenvironments:\n{}", entries.collect::<Vec<_>>().concat());
        fs_err::write(folder.path().join("alo.lock"), text).unwrap();
        let lock = Lockfile::read(camino::Utf8Path::from_path(folder.path()).unwrap()).unwrap();
        (folder, lock)
    }

    fn change(before: &str, after: &str) -> Vec<(Option<String>, Option<String>)> {
        let [(_a, before), (_b, after)] = [before, after].map(|packages| lock(&[(&["t"], packages)]));
        package_changes(&before, &after).into_iter().map(|change| (change.was, change.now)).collect()
    }

    #[test]
    fn a_package_changes_with_its_version_its_commit_and_its_files() {
        let git = |commit: &str| format!("{{name: a, url: 'git+https://u@h/r@{commit}#subdirectory=s'}}");
        let told = |was: &str, now: &str| vec![(Some(was.to_owned()), Some(now.to_owned()))];
        assert_eq!(change("{name: a, version: '1'}", "{name: a, version: '1'}"), []);
        assert_eq!(change("{name: a, version: '1'}", "{name: a, version: '2'}"), told("1", "2"));
        assert_eq!(change("", "{name: a, version: '2'}"), [(None, Some("2".to_owned()))]);
        assert_eq!(change(&git(FIRST), &git(SECOND)), told("0123456789ab", "fedcba987654"));
        assert_eq!(
            change(
                "{name: a, version: '1', hashes: ['sha256:1']}",
                "{name: a, version: '1', hashes: ['sha256:2']}"
            ),
            told("1", "1 (other files)")
        );
        let folder = |digest: &str| format!("{{name: a, version: '1', path: ./a, digest: {digest}}}");
        assert_eq!(change(&folder(FIRST), &folder(SECOND)), told("1 (0123456789ab)", "1 (fedcba987654)"));
    }

    #[test]
    fn steps_that_come_together_are_a_change() {
        let mut plan = Plan::new("p");
        plan.pipelines.push(Pipeline::new(PipelineKind::Train, [Step::new("a"), Step::new("b")]));
        let (_a, apart) = lock(&[(&["a"], "{name: x, version: '1'}"), (&["b"], "{name: x, version: '1'}")]);
        let (_b, together) = lock(&[(&["a", "b"], "{name: x, version: '1'}")]);
        let (_c, none) = lock(&[]);
        assert_eq!(group_changes(&plan, &apart, &apart), []);
        assert_eq!(group_changes(&plan, &none, &apart), []);
        let [change] = &group_changes(&plan, &apart, &together)[..] else { panic!() };
        assert_eq!((change.was.len(), &change.now[..]), (2, &[vec!["a".to_owned(), "b".to_owned()]][..]));
    }
}
