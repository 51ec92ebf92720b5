//! `input/<kind>`: a folder of the project itself, which holds the sources of the plan and nothing else.

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use crate::durable::{self, TEMP_PREFIX};
use crate::layout::ProjectLayout;
use crate::load_error::LoadError;
use crate::manifest::Manifest;
use crate::mirror::unfinished;
use crate::source::DataSource;
use crate::storage_error::StorageError;

/// Creates `input/<kind>`, which must be a folder of the project itself.
pub(crate) fn own_folder(layout: &ProjectLayout, kind: PipelineKind) -> Result<Utf8PathBuf, LoadError> {
    let input = layout.input(kind);
    for path in [durable::parent(&input), &input] {
        if path.is_symlink() {
            return Err(LoadError::InputIsLink { path: path.to_owned() });
        }
    }
    durable::create_dir_all(&input)?;
    Ok(input)
}

/// Refuses a source that holds, or lies in, the folder it would be copied to.
pub(crate) fn refuse_overlap(source: &DataSource, input: &Utf8Path) -> Result<(), LoadError> {
    if source.remote.is_some() {
        return Ok(());
    }
    let canonical = |path: &Utf8Path| fs_err::canonicalize(path).map_err(StorageError::of("read", path));
    let (from, to) = (canonical(&source.path)?, canonical(input)?);
    if from.starts_with(&to) || to.starts_with(&from) {
        return Err(LoadError::Overlap { text: source.text.clone(), input: input.to_owned() });
    }
    Ok(())
}

/// Clears `input/<kind>` of what is no source of the plan; gives where foreign things went.
pub(crate) fn sweep(
    layout: &ProjectLayout,
    kind: PipelineKind,
    sources: &[DataSource],
    known: Option<&Manifest>,
) -> Result<Vec<Utf8PathBuf>, StorageError> {
    let input = layout.input(kind);
    let mut set_aside = Vec::new();
    for entry in fs_err::read_dir(&input).map_err(StorageError::of("list", &input))? {
        let entry = entry.map_err(StorageError::of("list", &input))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if sources.iter().any(|source| source.name == name || unfinished(&source.name) == name) {
            continue;
        }
        let loaded =
            known.is_some_and(|known| known.contents.sources.iter().any(|source| source.name == name));
        if loaded || name.starts_with(TEMP_PREFIX) {
            durable::remove_std(&entry.path())?;
        } else if !name.starts_with('.') {
            // Files such as `.gitkeep` belong to the project, not to the data.
            set_aside.push(move_aside(layout, kind, &entry.path(), &name)?);
        }
    }
    Ok(set_aside)
}

fn move_aside(
    layout: &ProjectLayout,
    kind: PipelineKind,
    path: &std::path::Path,
    name: &str,
) -> Result<Utf8PathBuf, StorageError> {
    let folder = layout.set_aside(kind);
    durable::create_dir_all(&folder)?;
    let names = std::iter::once(name.to_owned()).chain((2..).map(|count: u32| format!("{name}.{count}")));
    let target = names.map(|name| folder.join(name)).find(|path| path.symlink_metadata().is_err());
    let target = target.unwrap_or_else(|| folder.join(name));
    fs_err::rename(path, &target).map_err(StorageError::of("move aside to", &target))?;
    Ok(target)
}
