//! The checks that look at the file system. Data may come later, so what is missing is a warning.

use camino::{Utf8Path, Utf8PathBuf};

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::load::Loaded;
use crate::model::{PipelineKind, Plan, Source};
use crate::pointer::Pointer;
use crate::project::resolve_path;
use crate::span::Span;
use crate::yaml::{Data, Node, compose};

/// Looks whether the paths of a plan are there and can be used; `s3://` URLs are not looked at.
///
/// `project` is the folder at which relative paths start, see [`crate::project_folder`].
pub fn paths(loaded: &Loaded, project: &Utf8Path) -> Vec<Diagnostic> {
    let Some(plan) = &loaded.plan else { return Vec::new() };
    let root = compose(&loaded.source).root;
    let mut found = Vec::new();
    let locate = |text: &str| resolve_path(&loaded.path, project, text);
    for kind in PipelineKind::ALL {
        for written in plan.external.load_data(kind).iter().filter(|path| !is_remote(path)) {
            let fault = readable(written, &locate(written));
            found.extend(fault.map(|fault| placed(fault, root.as_ref(), "external_path", written)));
        }
        if let Some(written) = plan.external.save_artifacts(kind).filter(|path| !is_remote(path)) {
            let fault = writable(written, &locate(written));
            found.extend(fault.map(|fault| placed(fault, root.as_ref(), "external_path", written)));
        }
    }
    if let Some(written) = plan.external.load_model_path.as_deref().filter(|path| !is_remote(path)) {
        let fault = readable(written, &locate(written));
        found.extend(fault.map(|fault| placed(fault, root.as_ref(), "external_path", written)));
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
        for step in &pipeline.steps {
            let folder: Utf8PathBuf = match &step.source {
                Source::Git { .. } => continue,
                Source::Local { path: Some(path) } => project.join(path),
                Source::Local { path: None } => {
                    let elsewhere = plan.pipelines.iter().any(|other| {
                        other.kind != pipeline.kind
                            && other.steps.iter().any(|twin| {
                                twin.name == step.name && !matches!(twin.source, Source::Local { path: None })
                            })
                    });
                    if elsewhere {
                        continue;
                    }
                    project.join("assets").join(step.name.as_str())
                }
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
            found.push(placed_step(fault, root, pipeline.kind, name));
        }
    }
    found
}

/// Finds where the section writes that text.
fn placed(fault: Diagnostic, root: Option<&Node>, section: &str, written: &str) -> Diagnostic {
    let place = root.and_then(|root| {
        let at = Pointer::ROOT.key(section);
        child(root, section).and_then(|node| find(node, &at, &mut |node| is_text(node, written)))
    });
    apply(fault, place)
}

fn placed_step(fault: Diagnostic, root: Option<&Node>, kind: PipelineKind, name: &str) -> Diagnostic {
    let place = root.and_then(|root| {
        let at = Pointer::ROOT.key("asset_source");
        let section = child(root, "asset_source")?;
        let (pointer, pipeline) = find_key(section, &at, kind.key())?;
        let steps = find(&pipeline, &Pointer::ROOT, &mut |node| is_text(node, name))?;
        Some((format!("{pointer}{}", steps.0), steps.1))
    });
    apply(fault, place)
}

fn apply(fault: Diagnostic, place: Option<(String, Span)>) -> Diagnostic {
    match place {
        Some((pointer, span)) => fault.at(span).pointing(pointer),
        None => fault,
    }
}

fn is_text(node: &Node, written: &str) -> bool {
    matches!(&node.data, Data::Scalar(value) if value.to_string().trim() == written)
}

fn child<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    match &node.data {
        Data::Map(entries) => entries.iter().find(|entry| entry.name() == key).map(|entry| &entry.value),
        _ => None,
    }
}

fn find_key(node: &Node, at: &Pointer<'_>, key: &str) -> Option<(String, Node)> {
    match &node.data {
        Data::Map(entries) => {
            let entry = entries.iter().find(|entry| entry.name() == key)?;
            Some((at.key(key).to_string(), entry.value.clone()))
        }
        Data::List(items) => {
            items.iter().enumerate().find_map(|(index, item)| find_key(item, &at.index(index), key))
        }
        Data::Scalar(_) => None,
    }
}

fn find(node: &Node, at: &Pointer<'_>, wanted: &mut dyn FnMut(&Node) -> bool) -> Option<(String, Span)> {
    if wanted(node) {
        return Some((at.to_string(), node.span));
    }
    match &node.data {
        Data::Map(entries) => {
            entries.iter().find_map(|entry| find(&entry.value, &at.key(&entry.name()), wanted))
        }
        Data::List(items) => {
            items.iter().enumerate().find_map(|(index, item)| find(item, &at.index(index), wanted))
        }
        Data::Scalar(_) => None,
    }
}
