//! The checks that look at the file system. Data may come later, so what is missing is a warning.

use std::collections::{HashMap, HashSet};

use camino::Utf8Path;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::load::Loaded;
use crate::model::{PipelineKind, Plan, Source, StepName};
use crate::pointer::{Pointer, escaped};
use crate::project::resolve_path;
use crate::span::Span;
use crate::yaml::{Data, Node, compose};

/// Looks whether the paths of a plan are there and can be used; `s3://` URLs are not looked at.
///
/// `project` is the folder at which relative paths start, see [`crate::project_folder`]. A plan with errors is not looked at.
pub fn paths(loaded: &Loaded, project: &Utf8Path) -> Vec<Diagnostic> {
    let Some(plan) = &loaded.plan else { return Vec::new() };
    let root = compose(&loaded.source).root;
    let places = Places::of(root.as_ref(), "external_path");
    let mut found = Vec::new();
    let locate = |text: &str| resolve_path(&loaded.path, project, text);
    for kind in PipelineKind::ALL {
        for written in plan.external.load_data(kind).iter().filter(|path| !is_remote(path)) {
            found.extend(readable(written, &locate(written)).map(|fault| places.put(fault, written)));
        }
        if let Some(written) = plan.external.save_artifacts(kind).filter(|path| !is_remote(path)) {
            found.extend(writable(written, &locate(written)).map(|fault| places.put(fault, written)));
        }
    }
    if let Some(written) = plan.external.load_model_path.as_deref().filter(|path| !is_remote(path)) {
        found.extend(readable(written, &locate(written)).map(|fault| places.put(fault, written)));
    }
    found.extend(assets(plan, project, root.as_ref()));
    found
}

fn is_remote(path: &str) -> bool {
    path.starts_with("s3:")
}

fn readable(written: &str, path: &Utf8Path) -> Option<Diagnostic> {
    let tried = match fs_err::metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs_err::read_dir(path).map(|_| ()),
        Ok(_) => fs_err::File::open(path).map(|_| ()),
        Err(error) => Err(error),
    };
    match tried.err()?.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Some(
            Diagnostic::new(Code::PathMissing, format!("`{written}` does not exist"))
                .help(format!("looked for `{path}`; it must be there when the pipeline runs")),
        ),
        why => Some(
            Diagnostic::new(Code::PathUnreadable, format!("`{written}` cannot be read: {why}"))
                .help(format!("check the permissions of `{path}`")),
        ),
    }
}

/// A save path is made when it is needed, so its nearest existing folder decides.
fn writable(written: &str, path: &Utf8Path) -> Option<Diagnostic> {
    let nearest = path.ancestors().find(|folder| folder.exists())?;
    let metadata = fs_err::metadata(nearest).ok()?;
    let fault = if !metadata.is_dir() {
        Diagnostic::new(
            Code::PathNotWritable,
            format!("`{written}` cannot be a folder: `{nearest}` is a file"),
        )
        .help("name a folder")
    } else if may_write(nearest) {
        return None;
    } else {
        Diagnostic::new(Code::PathNotWritable, format!("`{written}` cannot be written"))
            .help(format!("allow writing to `{nearest}`, or name another folder"))
    };
    Some(fault)
}

/// Whether this process may make files in the folder, without making one.
fn may_write(folder: &Utf8Path) -> bool {
    rustix::fs::access(folder.as_std_path(), rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
        .is_ok()
}

/// Local asset folders. `code: local` may mean the source of the other pipeline's step of that name.
fn assets(plan: &Plan, project: &Utf8Path, root: Option<&Node>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for pipeline in &plan.pipelines {
        let elsewhere: HashSet<&StepName> = plan
            .pipelines
            .iter()
            .filter(|other| other.kind != pipeline.kind)
            .flat_map(|other| &other.steps)
            .filter(|step| !matches!(step.source, Source::Local { path: None }))
            .map(|step| &step.name)
            .collect();
        let mut places = None;
        for step in &pipeline.steps {
            let folder = match &step.source {
                Source::Local { path: Some(path) } => project.join(path),
                Source::Local { path: None } if !elsewhere.contains(&step.name) => {
                    project.join("assets").join(step.name.as_str())
                }
                _ => continue,
            };
            if folder.is_dir() {
                continue;
            }
            let name = step.name.as_str();
            let fault =
                Diagnostic::new(Code::AssetMissing, format!("the code of the step `{name}` is not there"))
                    .help(format!(
                        "put `asset_{}.py` into `{folder}`, or name a git repository",
                        step.name.base()
                    ));
            let places = places.get_or_insert_with(|| Places::of_pipeline(root, pipeline.kind));
            found.push(places.put(fault, name));
        }
    }
    found
}

/// Where a part of the document writes which text.
#[derive(Default)]
struct Places(HashMap<String, (String, Span)>);

impl Places {
    /// All texts of a section.
    fn of(root: Option<&Node>, section: &str) -> Self {
        let mut places = Self::default();
        if let Some((pointer, section)) = root.and_then(|root| child(root, &Pointer::ROOT, section)) {
            places.collect(&section, &pointer);
        }
        places
    }

    /// All texts of a pipeline of `asset_source`.
    fn of_pipeline(root: Option<&Node>, kind: PipelineKind) -> Self {
        let mut places = Self::default();
        let section = root.and_then(|root| child(root, &Pointer::ROOT, "asset_source"));
        let at = Pointer::ROOT.key("asset_source");
        if let Some((pointer, pipeline)) = section.and_then(|(_, section)| child(&section, &at, kind.key())) {
            places.collect(&pipeline, &pointer);
        }
        places
    }

    fn collect(&mut self, node: &Node, pointer: &str) {
        match &node.data {
            Data::Map(entries) => {
                for entry in entries.iter() {
                    self.collect(&entry.value, &format!("{pointer}/{}", escaped(&entry.name())));
                }
            }
            Data::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.collect(item, &format!("{pointer}/{index}"));
                }
            }
            Data::Scalar(value) => {
                let text = value.to_string().trim().to_owned();
                self.0.entry(text).or_insert_with(|| (pointer.to_owned(), node.span));
            }
        }
    }

    fn put(&self, fault: Diagnostic, written: &str) -> Diagnostic {
        match self.0.get(written) {
            Some((pointer, span)) => fault.at(*span).pointing(pointer.as_str()),
            None => fault,
        }
    }
}

/// The value of a key, also of a map in a list.
fn child(node: &Node, at: &Pointer<'_>, key: &str) -> Option<(String, Node)> {
    match &node.data {
        Data::Map(entries) => {
            let entry = entries.iter().find(|entry| entry.name() == key)?;
            Some((at.key(key).to_string(), entry.value.clone()))
        }
        Data::List(items) => {
            items.iter().enumerate().find_map(|(index, item)| child(item, &at.index(index), key))
        }
        Data::Scalar(_) => None,
    }
}
