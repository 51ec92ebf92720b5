//! By which files `data` and `config` pass from step to step: none within one worker, private ones between two.

use alo_artifacts::{AssetInterface, value_files};
use alo_assets::{Environment, Machine, PreparedPipeline};
use camino::{Utf8Path, Utf8PathBuf};

use super::message::HandOffFiles;
use super::private_folder::PrivateFolder;
use crate::context::StepContext;

/// A file system in memory, where there is one.
const IN_MEMORY: &str = "/dev/shm";

/// Why there is no place for values on their way between two environments.
#[derive(Debug, thiserror::Error)]
#[error("failed to make a folder in `{parent}` for the values that pass between environments")]
pub(super) struct HandOffError {
    parent: Utf8PathBuf,
    #[source]
    source: std::io::Error,
}

/// Where the values of a pipeline's steps lie on their way from one environment to another.
///
/// In memory mode a file is made only between two steps of different environments: on `/dev/shm`, or in the temporary
/// folder where that is absent or full. It is removed when the step that reads it has ended.
#[derive(Debug)]
pub(super) struct HandOff {
    in_memory: Utf8PathBuf,
    temporary: Utf8PathBuf,
    folders: Option<Folders>,
}

#[derive(Debug)]
struct Folders {
    fast: Option<PrivateFolder>,
    spare: PrivateFolder,
}

impl HandOff {
    /// Makes nothing yet. What killed runs have left in memory is removed.
    pub(super) fn new(machine: &Machine) -> Self {
        PrivateFolder::remove_leftovers(Utf8Path::new(IN_MEMORY));
        let temporary = machine.variable("TMPDIR").unwrap_or("/tmp");
        Self { in_memory: IN_MEMORY.into(), temporary: temporary.into(), folders: None }
    }

    /// The files of the step that is about to run.
    pub(super) fn files(
        &mut self,
        context: &StepContext<'_>,
        setup: &PreparedPipeline,
    ) -> Result<HandOffFiles, HandOffError> {
        let index = context.number() - 1;
        let previous = index.checked_sub(1).filter(|previous| differ(setup, *previous, index));
        let next =
            (index + 1 < setup.steps.len()).then_some(index + 1).filter(|next| differ(setup, index, *next));
        let interface = context.scope().asset_interface();
        let mut files = if let Some(values) = context.kept_values() {
            if let Some(interface) = interface {
                interface.lend(context.step_name(), "data", &values.save_data);
                interface.lend(context.step_name(), "config", &values.save_config);
            }
            HandOffFiles {
                load_data: values.load_data.clone(),
                load_config: values.load_config.clone(),
                save_data: Some(values.save_data.clone()),
                save_config: Some(values.save_config.clone()),
                ..HandOffFiles::default()
            }
        } else if let Some(interface) = interface {
            in_project(context, &interface)?
        } else {
            self.between_environments(index, previous, next)?
        };
        files.environments = previous
            .map(|previous| [previous, index].map(|step| named(setup, setup.steps[step].environment)));
        files.next_here = index + 1 < setup.steps.len() && next.is_none();
        Ok(files)
    }

    fn between_environments(
        &mut self,
        index: usize,
        previous: Option<usize>,
        next: Option<usize>,
    ) -> Result<HandOffFiles, HandOffError> {
        let mut files = HandOffFiles::default();
        if previous.is_none() && next.is_none() {
            return Ok(files);
        }
        let folders = match &mut self.folders {
            Some(folders) => folders,
            none => none.insert(Folders::make(&self.in_memory, &self.temporary)?),
        };
        if let Some(previous) = previous {
            files.load_data = folders.written(&file_name(previous, "data"));
            files.load_config = folders.written(&file_name(previous, "config"));
        }
        if next.is_some() {
            let first = folders.fast.as_ref().unwrap_or(&folders.spare);
            files.save_data = first.join(&file_name(index, "data"));
            files.save_config = first.join(&file_name(index, "config"));
            files.spare = folders.fast.as_ref().and_then(|_| folders.spare.join(""));
        }
        Ok(files)
    }

    /// Removes what the step that has ended had read.
    pub(super) fn step_ended(&self, number: usize) {
        let Some(folders) = &self.folders else { return };
        let Some(previous) = number.checked_sub(2) else { return };
        for what in ["data", "config"] {
            let value = folders.written(&file_name(previous, what));
            for file in value.iter().flat_map(|value| value_files(value)) {
                // It goes with its folder at the latest.
                let _ = fs_err::remove_file(file);
            }
        }
    }
}

impl Folders {
    fn make(in_memory: &Utf8Path, temporary: &Utf8Path) -> Result<Self, HandOffError> {
        let spare = PrivateFolder::make(temporary)
            .map_err(|source| HandOffError { parent: temporary.to_owned(), source })?;
        // Some machines have none, some none that this user may write to.
        Ok(Self { fast: PrivateFolder::make(in_memory).ok(), spare })
    }

    /// The file of that name, in the folder that had room for it.
    fn written(&self, name: &str) -> Option<Utf8PathBuf> {
        self.fast
            .iter()
            .chain([&self.spare])
            .filter_map(|folder| folder.join(name))
            .find(|file| file.exists())
    }
}

/// The files of file mode, which stay in the project for whoever wants to look.
fn in_project(context: &StepContext<'_>, interface: &AssetInterface) -> Result<HandOffFiles, HandOffError> {
    let folder = interface.folder();
    fs_err::create_dir_all(folder).map_err(|source| HandOffError { parent: folder.to_owned(), source })?;
    let steps = &context.scope().pipeline.steps;
    let previous = context.number().checked_sub(2).and_then(|index| steps.get(index));
    let loads = |what| previous.map(|step| interface.file(step.name.as_str(), what));
    let saves = |what| Some(interface.file(context.step_name(), what));
    Ok(HandOffFiles {
        load_data: loads("data"),
        load_config: loads("config"),
        save_data: saves("data"),
        save_config: saves("config"),
        ..HandOffFiles::default()
    })
}

/// Whether two steps run in different environments, and thus in different workers.
fn differ(setup: &PreparedPipeline, one: usize, other: usize) -> bool {
    let environment = |step: usize| setup.steps.get(step).map(|step| step.environment);
    environment(one) != environment(other)
}

/// An environment as people know it: by its steps.
fn named(setup: &PreparedPipeline, environment: usize) -> String {
    let steps: Vec<_> = setup
        .steps
        .iter()
        .filter(|step| step.environment == environment)
        .map(|step| format!("`{}`", step.name))
        .collect();
    let python =
        setup.environments.get(environment).map(|Environment { version, .. }| format!(" (Python {version})"));
    format!("the environment of {}{}", steps.join(", "), python.unwrap_or_default())
}

/// Steps are numbered: their names may have any letters.
fn file_name(step: usize, what: &str) -> String {
    format!("{step}_{what}.pkl")
}
